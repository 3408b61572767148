// SPDX-License-Identifier: Apache-2.0

package resume

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/netip"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"

	"github.com/tcpresume/tcpresume/pkg/client"
	wire "github.com/tcpresume/tcpresume/pkg/resume"
)

const patience = 10 * time.Second

type markKey struct{}

// A large response is reported at its end and at the end of its connection, a
// small one not at all; hooks that the server had go on.
func TestWatch(t *testing.T) {
	reports, reporter := playAgent(t)
	server := &http3.Server{
		TLSConfig: http3.ConfigureTLSConfig(certificate(t)),
		ConnContext: func(ctx context.Context, _ *quic.Conn) context.Context {
			return context.WithValue(ctx, markKey{}, "kept")
		},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			size, _ := strconv.Atoi(r.URL.Path[1:])
			w.Header().Set("Mark", fmt.Sprint(r.Context().Value(markKey{})))
			_, _ = w.Write(make([]byte, size))
		}),
	}
	WatchWith(server, reporter)
	socket, err := net.ListenPacket("udp", "127.0.0.1:0")
	must(t, err)
	defer socket.Close()
	go func() { _ = server.Serve(socket) }()
	defer server.Close()

	small := &http3.Transport{TLSClientConfig: trusting()}
	get(t, small, socket.LocalAddr(), 1000)
	must(t, small.Close())
	large := &http3.Transport{TLSClientConfig: trusting()}
	get(t, large, socket.LocalAddr(), 300_000)
	tick := next(t, reports)
	must(t, large.Close())
	last := next(t, reports)

	for _, r := range []wire.Report{tick, last} {
		if r.Peer != netip.MustParseAddr("127.0.0.1") || r.Port == 0 || r.Cwnd == 0 || r.MinRTT == 0 || r.Sent < 300_000 || r.CC != "reno" {
			t.Errorf("report %+v", r)
		}
	}
	if tick.Event != wire.ReportTick || last.Event != wire.ReportClose || tick.ID != last.ID || tick.ID == "" {
		t.Errorf("reports %+v and %+v", tick, last)
	}
	select {
	case r := <-reports:
		t.Errorf("one more: %+v", r)
	case <-time.After(100 * time.Millisecond):
	}
}

// The sweep runs while there are connections, and finds each of them.
func TestSweepLivesWithConnections(t *testing.T) {
	w := &watcher{}
	for range 3 {
		w.count(+1)
	}
	first := w.stopped
	w.count(-1)
	w.count(-1)
	if w.stopped != first || isClosed(first) {
		t.Error("the sweep ended with a connection left")
	}
	w.count(-1)
	if w.stopped != nil || !isClosed(first) {
		t.Error("the sweep goes on without connections")
	}
	w.count(+1)
	if w.stopped == nil || w.stopped == first {
		t.Error("the sweep does not begin again")
	}
	w.count(-1)
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// playAgent takes reports as the agent does.
func playAgent(t *testing.T) (<-chan wire.Report, *client.Reporter) {
	t.Helper()
	dir := t.TempDir()
	socket, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: filepath.Join(dir, wire.ReportSocket), Net: "unixgram"})
	must(t, err)
	t.Cleanup(func() { socket.Close() })
	reports := make(chan wire.Report, 16)
	go func() {
		for buffer := make([]byte, 2*wire.MaxReport); ; {
			n, err := socket.Read(buffer)
			if err != nil {
				return
			}
			r, err := wire.ParseReport(buffer[:n])
			if err != nil {
				t.Errorf("%s: %v", buffer[:n], err)
			}
			reports <- r
		}
	}()
	reporter := client.New(client.Options{Dir: dir})
	t.Cleanup(func() { must(t, reporter.Close()) })
	return reports, reporter
}

func next(t *testing.T, reports <-chan wire.Report) wire.Report {
	t.Helper()
	select {
	case r := <-reports:
		return r
	case <-time.After(patience):
		t.Fatal("no report")
		return wire.Report{}
	}
}

func get(t *testing.T, through http.RoundTripper, server net.Addr, size int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, fmt.Sprintf("https://%s/%d", server, size), nil)
	must(t, err)
	answer, err := through.RoundTrip(request)
	must(t, err)
	defer answer.Body.Close()
	n, err := io.Copy(io.Discard, answer.Body)
	must(t, err)
	if n != int64(size) || answer.Header.Get("Mark") != "kept" {
		t.Errorf("%d bytes, mark %q", n, answer.Header.Get("Mark"))
	}
}

func trusting() *tls.Config { return &tls.Config{InsecureSkipVerify: true} }

func certificate(t *testing.T) *tls.Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
