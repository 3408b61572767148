// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/quic-go/quic-go/http3"

	"github.com/tcpresume/tcpresume/examples/quic-go/resume"
)

func main() {
	addr := flag.String("addr", ":8443", "`ADDRESS` to serve on, over TCP and UDP")
	cert := flag.String("cert", "", "`FILE` with the certificate (default: one made for this run)")
	key := flag.String("key", "", "`FILE` with the certificate's key")
	idle := flag.Duration("idle", time.Minute, "close TCP connections that were idle for so long")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := serve(ctx, *addr, *cert, *key, *idle); err != nil {
		log.Fatal(err)
	}
}

func serve(ctx context.Context, addr, certFile, keyFile string, idle time.Duration) error {
	certificate, err := certificate(certFile, keyFile)
	if err != nil {
		return err
	}
	tcp, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		return err
	}
	defer udp.Close()

	mux := http.NewServeMux()
	tls := &tls.Config{Certificates: []tls.Certificate{certificate}}
	h3 := &http3.Server{Handler: mux, TLSConfig: http3.ConfigureTLSConfig(tls)}
	resume.Watch(h3) // the one line
	h2 := &http.Server{Handler: advertise(h3, mux), TLSConfig: tls, IdleTimeout: idle}
	mux.HandleFunc("GET /{$}", page)
	mux.HandleFunc("GET /bytes/{n}", bytes)

	failed := make(chan error, 2)
	go func() { failed <- h3.Serve(udp) }()
	go func() { failed <- h2.ServeTLS(tcp, "", "") }()
	fmt.Printf("serving https://%s over HTTP/1.1, HTTP/2 and HTTP/3; SIGHUP ends HTTP/3\n", tcp.Addr())
	return attend(ctx, h3, h2, failed)
}

// attend ends both servers with ctx, and HTTP/3 alone at SIGHUP: its clients
// are told so by CONNECTION_CLOSE and come back over TCP within a round trip.
func attend(ctx context.Context, h3 *http3.Server, h2 *http.Server, failed <-chan error) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP)
	for {
		select {
		case <-hangups:
			if err := h3.Close(); err != nil {
				return err
			}
		case err := <-failed:
			if !errors.Is(err, http.ErrServerClosed) {
				return err
			}
		case <-ctx.Done():
			return errors.Join(h3.Close(), h2.Close())
		}
	}
}

// advertise tells clients of TCP that there is HTTP/3.
func advertise(h3 *http3.Server, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_ = h3.SetQUICHeaders(w.Header())
		next.ServeHTTP(w, r)
	})
}

func page(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintln(w, `<!doctype html><link rel="icon" href="data:,"><title>tcpresume</title><p>Try <a href="/bytes/1000000">1 MB</a>.`)
}

// bytes is a response of a wanted size; "?wait=300ms" delays it.
func bytes(w http.ResponseWriter, r *http.Request) {
	const most = 1 << 30
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n > most {
		http.Error(w, fmt.Sprintf("give a number of bytes from 0 to %d", most), http.StatusBadRequest)
		return
	}
	if wait, err := time.ParseDuration(r.FormValue("wait")); err == nil {
		select {
		case <-time.After(wait):
		case <-r.Context().Done():
			return
		}
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(n))
	for chunk := make([]byte, 64<<10); n > 0; n -= len(chunk) {
		if _, err := w.Write(chunk[:min(n, len(chunk))]); err != nil {
			return
		}
	}
}
