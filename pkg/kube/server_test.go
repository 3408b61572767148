// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// scripted answers requests one after the other with the given handlers, for
// what a real API server cannot be made to do; it repeats the last one.
type scripted struct {
	*httptest.Server
	asked chan *http.Request
}

func serve(t *testing.T, script ...http.HandlerFunc) *scripted {
	t.Helper()
	s := &scripted{asked: make(chan *http.Request, 1000)}
	next := make(chan http.HandlerFunc, len(script))
	for _, f := range script {
		next <- f
	}
	last := script[len(script)-1]
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked <- r
		select {
		case f := <-next:
			f(w, r)
		default:
			last(w, r)
		}
	}))
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(func() { s.CloseClientConnections(); s.Close() })
	return s
}

var quick = timing{
	answer: 5 * time.Second, watch: 5 * time.Second, ping: 100 * time.Millisecond, pong: 100 * time.Millisecond,
	firstWait: time.Millisecond, lastWait: 10 * time.Millisecond,
}

func (s *scripted) client() *Client {
	at, _ := url.Parse(s.URL)
	c := newClient(config{server: at, authority: source{text: encode(s.Certificate())}, token: source{text: []byte("secret")}})
	c.timing = quick
	return c
}

func encode(cert *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Raw})
}

func list(version string, items ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		joined := ""
		for i, item := range items {
			if i > 0 {
				joined += ","
			}
			joined += item
		}
		fmt.Fprintf(w, `{"metadata":{"resourceVersion":%q},"items":[%s]}`, version, joined)
	}
}

func app(uid, version, load string, ids ...int) string {
	programs := ""
	for i, id := range ids {
		if i > 0 {
			programs += ","
		}
		programs += fmt.Sprintf(`{"name":"p%d","type":"TracePoint","programId":%d}`, i, id)
	}
	return fmt.Sprintf(`{"metadata":{"name":"app-%s","uid":%q,"resourceVersion":%q},"status":{"appLoadStatus":%q,"programs":[%s]}}`,
		uid, uid, version, load, programs)
}

// events sends a watch's lines and keeps it open, or ends it.
func events(open bool, lines ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, line := range lines {
			fmt.Fprintln(w, line)
		}
		w.(http.Flusher).Flush()
		if open {
			<-r.Context().Done()
		}
	}
}

func change(kind, object string) string { return fmt.Sprintf(`{"type":%q,"object":%s}`, kind, object) }

func refuse(code int, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(code)
		fmt.Fprintf(w, `{"kind":"Status","code":%d,"message":%q}`, code, message)
	}
}

func write(t *testing.T, dir, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, append([]byte("\ufeff"), text...), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// pair makes a certificate for 127.0.0.1 that signs itself.
func pair(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}
