// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

func main() {
	stats := flag.String("stats", "/run/haproxy/admin.sock", "`SOCKET` of HAProxy's statistics")
	sockets := flag.String("socket-dir", "", "`DIR` of the agent's sockets (default /run/tcpresume)")
	every := flag.Duration("every", 200*time.Millisecond, "how often to ask")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	reporter := client.New(client.Options{Dir: *sockets})
	defer reporter.Close()
	fmt.Printf("polling %s every %v\n", *stats, *every)
	poll(ctx, *stats, *every, newTracker(reporter))
}

// poll asks until ctx ends. An HAProxy that is away comes back.
func poll(ctx context.Context, stats string, every time.Duration, t *tracker) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	said := ""
	for {
		text, err := ask(ctx, stats, max(every, time.Second))
		var all []resume.Report
		if err == nil {
			all, err = parse(text)
		}
		trouble := ""
		if err == nil {
			t.look(ctx, time.Now(), all)
		} else {
			trouble = err.Error()
		}
		if trouble != said && trouble != "" && ctx.Err() == nil {
			log.Printf("asking HAProxy: %s; trying on", trouble)
		}
		said = trouble
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// ask gives one command to HAProxy, which closes the connection behind its answer.
func ask(ctx context.Context, stats string, patience time.Duration) (string, error) {
	dialer := net.Dialer{Timeout: patience}
	conn, err := dialer.DialContext(ctx, "unix", stats)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, "show quic cc,sock all\n"); err != nil {
		return "", err
	}
	text, err := io.ReadAll(conn)
	return string(text), err
}
