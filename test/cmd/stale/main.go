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

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

var repeats = flag.Int("n", 3, "runs of each; medians are shown")

const (
	exchange  = 4000 // a TLS-like answer first
	staleness = 10   // the entry, in BDP of the path as it is now
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
	policy := resume.DefaultPolicy()
	policy.Learn = false
	if err := r.Store.SetPolicy(pathstore.Rule{Policy: policy}); err != nil {
		return err
	}
	if err := besideAFlow(ctx, r); err != nil {
		return err
	}
	return onASmallerPath(ctx, r)
}

// stage builds the path, with or without the wrong entry for the newcomer.
func stage(r *rig.Rig, path lab.Path, queue float64, wrong bool) (*lab.Lab, error) {
	path.Queue = int(queue * float64(path.BDP()))
	l, err := lab.New(path)
	if err != nil {
		return nil, err
	}
	if _, err = r.Store.Flush(); err == nil && wrong {
		_, err = r.Store.Put(resume.Path{
			Peer: newcomer, Cwnd: resume.Bytes(staleness * path.BDP()), RTT: path.RTT,
			Mode: resume.ModeCareful, Sharing: resume.SharingPolicy, Source: resume.SourceOperator,
		})
	}
	if err == nil {
		err = l.Client.AddAddr(newcomer)
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
