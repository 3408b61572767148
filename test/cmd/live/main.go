// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math"
	"net/netip"
	"os"
	"os/signal"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/rig"
)

var (
	repeats = flag.Int("n", 3, "runs of each; medians are shown")
	idle    = flag.Duration("idle", 30*time.Second, "how long the connections are idle")
	sockets = flag.Int("sockets", 50_000, "live connections that a pass goes through")
	only    = flag.String("only", "", "one scene: idle, pass or options")
	book    = figures.Flags("live")
)

func main() {
	flag.Parse()
	rig.Isolate(func() int {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		if err := run(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "live:", err)
			return 1
		}
		return 0
	})
}

func run(ctx context.Context) (err error) {
	r, err := rig.New(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	policy := resume.DefaultPolicy()
	policy.Learn = false
	if err := r.Store.SetPolicy(pathstore.Rule{Policy: policy}); err != nil {
		return err
	}
	// What the loopback device takes is no round-trip time to judge a path by.
	policy.RTTLow, policy.RTTHigh = 0, math.MaxUint16
	if err := r.Store.SetPolicy(pathstore.Rule{Prefix: netip.MustParsePrefix("127.0.0.0/8"), Policy: policy}); err != nil {
		return err
	}
	for _, scene := range []struct {
		name string
		play func() error
	}{
		{"idle", func() error { return afterIdle(ctx, r) }},
		{"pass", func() error { return passes(ctx, r) }},
		{"options", func() error { return options(r) }},
	} {
		if *only != "" && *only != scene.name {
			continue
		}
		if err := scene.play(); err != nil {
			return fmt.Errorf("%s: %w", scene.name, err)
		}
	}
	return book.Save()
}
