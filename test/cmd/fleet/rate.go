// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// measureRate leaves the agent's socket out: it is the fleet's own limit.
func measureRate(ctx context.Context, o options) error {
	o.head("changes a second", "for", "p50", "p99", "not on B", "dropped", "on B behind the last after", "CPU of both agents for each", "of the server")
	for _, rate := range []int{5_000, 10_000, 20_000, 30_000, 50_000} {
		if err := o.rateOf(ctx, rate); err != nil {
			return err
		}
	}
	return nil
}

func (o options) rateOf(ctx context.Context, rate int) error {
	n := min(maxPaths/2, int(o.duration.Seconds()*float64(rate)))
	watch := newStopwatch(n)
	p, err := newPair(ctx, func(path resume.Path) { watch.end(numberOf(path.Peer)) })
	if err != nil {
		return err
	}
	defer p.close()
	writer := p.a.store.Writer()
	server, err := p.bus.cpu()
	if err != nil {
		return err
	}
	began, agents := time.Now(), ownCPU()
	if err := paced(ctx, n, rate, func(i int) error {
		watch.begin(i)
		return p.a.paths(writer, 300_000, peerN(i))
	}); err != nil {
		return err
	}
	asked := time.Since(began)
	_ = until(patience, func() bool { return watch.done.Load() == int64(n) })
	drained := time.Since(began) - asked
	agents = ownCPU() - agents
	after, err := p.bus.cpu()
	took := watch.all()
	each := func(d time.Duration) string { return fmt.Sprintf("%.0f µs", float64(d)/1e3/float64(n)) }
	o.book.Add(drained.Seconds(), "s", "fleet", "rate", fmt.Sprintf("%d per s", rate), "behind")
	o.book.Add(float64(agents)/1e3/float64(n), "us", "fleet", "rate", fmt.Sprintf("%d per s", rate), "agents")
	o.row(int(float64(n)/asked.Seconds()), asked, quantile(took, 0.5), quantile(took, 0.99), n-len(took),
		p.a.fleet.Status().Counts["out_dropped"], drained, each(agents), each(after-server))
	return errors.Join(err, ctx.Err())
}

// ownCPU is what this process, both agents and their load, has used.
func ownCPU() time.Duration {
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
