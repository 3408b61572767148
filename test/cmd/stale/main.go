// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

var (
	repeats = flag.Int("n", 9, "runs of each; medians are shown")
	lanes   = flag.Int("j", 3, "paths at a time")
	book    = figures.Flags("stale")
)

const (
	exchange  = 4000 // a TLS-like answer first
	staleness = 10   // the entry, in BDP of the path as it is now

	attempts = 5 // of a run, until the machine was not too busy for it
)

var newcomer = netip.MustParseAddr("198.18.1.9")

func main() {
	flag.Parse()
	rig.Isolate(func() int {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		if err := run(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "stale:", err)
			return 1
		}
		return 0
	})
}

func run(ctx context.Context) error {
	r, err := rig.New(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.Apart(); err != nil {
		return err
	}
	if err := besideAFlow(ctx, r); err != nil {
		return err
	}
	if err := onASmallerPath(ctx, r); err != nil {
		return err
	}
	return book.Save()
}

// each calls f for every run, several at a time.
func each[T any](ctx context.Context, f func(ctx context.Context, run int) (T, error)) ([]T, error) {
	results := make([]T, *repeats)
	running, ctx := errgroup.WithContext(ctx)
	running.SetLimit(*lanes)
	for i := range results {
		running.Go(func() (err error) {
			results[i], _, err = lab.Again(attempts, func() (T, error) { return f(ctx, i) })
			return book.Tolerate(err)
		})
	}
	return results, running.Wait()
}

// stage builds the path, with or without the wrong entry for the newcomer.
func stage(r *rig.Rig, path lab.Path, queue float64, wrong bool) (*lab.Lab, error) {
	path.Queue = int(queue * float64(path.BDP()))
	l, err := lab.New(path)
	if err != nil {
		return nil, err
	}
	err = l.Client.AddAddr(newcomer)
	if err == nil && wrong {
		err = r.PutFor(l.Server, resume.Path{Peer: newcomer, Cwnd: resume.Bytes(staleness * path.BDP()), RTT: path.RTT})
	}
	if err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

func start(name string, wrong bool) string {
	if wrong {
		return name + " careful, entry 10 x BDP"
	}
	return name + " cold"
}

func milliseconds(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }
