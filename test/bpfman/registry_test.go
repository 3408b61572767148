// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/tcpresume/tcpresume/test/check"
)

// registry starts one on the machine's loopback, over TLS as bpfman 0.6 insists, or without.
func (m *machine) registry(t testing.TB, secure bool) (host string) {
	t.Helper()
	var listener net.Listener
	check.Must(t, m.Server.Do(func() (err error) {
		listener, err = net.Listen("tcp", "127.0.0.1:0")
		return err
	}))
	host = "localhost:" + portOf(listener)
	if secure {
		certificate := m.certificate(t)
		listener = tls.NewListener(listener, &tls.Config{Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"}})
	}
	server := &http.Server{Handler: registry.New(registry.Logger(log.New(io.Discard, "", 0))), ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { server.Close() })
	return host
}

func portOf(listener net.Listener) string {
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	return port
}

func (m *machine) certificate(t testing.TB) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check.Must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	check.Must(t, err)
	m.ca = filepath.Join(t.TempDir(), "ca.pem")
	check.Must(t, os.WriteFile(m.ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o644))
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// send pushes an image that tcpresume would not make.
func (m *machine) send(t testing.TB, reference string, image v1.Image) {
	t.Helper()
	ref, err := name.ParseReference(reference)
	check.Must(t, err)
	vouched, err := os.ReadFile(m.ca)
	check.Must(t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(vouched)
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, address string) (conn net.Conn, err error) {
			err = m.Server.Do(func() error {
				conn, err = new(net.Dialer).DialContext(ctx, network, strings.Replace(address, "localhost", "127.0.0.1", 1))
				return err
			})
			return conn, err
		},
	}
	defer transport.CloseIdleConnections()
	check.Must(t, remote.Write(ref, image, remote.WithTransport(transport)))
}
