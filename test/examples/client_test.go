// SPDX-License-Identifier: Apache-2.0

package examples

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// tlsConfig trusts every server: what is tested is not who serves. HAProxy 3.0
// takes no hello of two packets, which a post-quantum key makes of it.
func tlsConfig(protocols ...string) *tls.Config {
	return &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: protocols, CurvePreferences: []tls.CurveID{tls.X25519}}
}

// udp opens the client's socket for QUIC.
func (s *stage) udp(t *testing.T) *quic.Transport {
	t.Helper()
	var socket net.PacketConn
	check.Must(t, s.Client.Do(func() (err error) {
		socket, err = net.ListenPacket("udp", net.JoinHostPort(s.client.String(), "0"))
		return err
	}))
	transport := &quic.Transport{Conn: socket}
	t.Cleanup(func() {
		_ = transport.Close()
		_ = socket.Close()
	})
	return transport
}

// overHTTP3 loads a page's path over HTTP/3 and leaves.
func (s *stage) overHTTP3(t *testing.T, path string, size int) {
	t.Helper()
	transport := s.udp(t)
	h3 := &http3.Transport{TLSClientConfig: tlsConfig(), Dial: func(ctx context.Context, _ string, config *tls.Config, quicConfig *quic.Config) (*quic.Conn, error) {
		return transport.DialEarly(ctx, net.UDPAddrFromAddrPort(s.server()), config, quicConfig)
	}}
	defer h3.Close()
	s.get(t, h3, path, size)
}

// overQUIC asks a server that speaks "GET 1000" over QUIC's streams.
func (s *stage) overQUIC(t *testing.T, size int) {
	t.Helper()
	conn, err := s.udp(t).Dial(s.ctx, net.UDPAddrFromAddrPort(s.server()), tlsConfig("bytes"), &quic.Config{})
	check.Must(t, err)
	stream, err := conn.OpenStreamSync(s.ctx)
	check.Must(t, err)
	_, err = fmt.Fprintf(stream, "GET %d\n", size)
	check.Must(t, err)
	check.Must(t, stream.Close())
	n, err := io.Copy(io.Discard, stream)
	check.Must(t, err)
	check.Same(t, "bytes over QUIC", n, int64(size))
	check.Must(t, conn.CloseWithError(0, ""))
}

// overTCP loads a path over TLS on a connection of its own, and returns how long
// that took from the SYN to the last byte.
func (s *stage) overTCP(t *testing.T, path string, size int) time.Duration {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: tlsConfig(), DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return s.Client.Dial(ctx, lab.DialSpec{Addr: s.server(), Local: s.client})
	}}
	defer transport.CloseIdleConnections()
	start := time.Now()
	s.get(t, transport, path, size)
	return time.Since(start)
}

func (s *stage) get(t *testing.T, through http.RoundTripper, path string, size int) {
	t.Helper()
	request, err := http.NewRequestWithContext(s.ctx, http.MethodGet, fmt.Sprintf("https://%s:%d%s", name, port, path), nil)
	check.Must(t, err)
	answer, err := through.RoundTrip(request)
	check.Must(t, err)
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	check.Must(t, err)
	check.Same(t, "bytes", n, int64(size))
}
