// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// measureJoin fills the bucket from one machine and lets another join.
func measureJoin(ctx context.Context, o options) error {
	p, err := newPair(ctx, nil)
	if err != nil {
		return err
	}
	defer p.close()
	if err := o.fill(p, o.joiners); err != nil {
		return err
	}
	before := residentOf(os.Getpid())
	c, err := newMachine("c", p.bus)
	if err != nil {
		return err
	}
	defer c.close()
	began := time.Now()
	if err := c.join(ctx, func(format string, args ...any) {
		fmt.Fprintf(os.Stderr, "%8v  %s\n", rounded(time.Since(began)), fmt.Sprintf(format, args...))
	}); err != nil {
		return err
	}
	if err := c.live(); err != nil {
		return err
	}
	took := time.Since(began)
	s := c.fleet.Status()
	o.book.Add(float64(s.Have)/took.Seconds(), "/s", "fleet", "join", o.joiners)
	after := residentOf(os.Getpid())
	more := after - min(before, after) // it may have given some back meanwhile
	o.head("entries", "seconds", "a second", "held afterwards", "bucket", "server's memory", "agent's memory, more")
	o.row(s.Have, fmt.Sprintf("%.2f", took.Seconds()), int(float64(s.Have)/took.Seconds()), s.Held,
		megabytes(s.Bytes), megabytes(p.bus.memory()), megabytes(more))
	return nil
}

// fill publishes n paths and waits until all of them are in the bucket and on B.
func (o options) fill(p *pair, n int) error {
	writer := p.a.store.Writer()
	for i := range n {
		if err := p.a.paths(writer, 300_000, peerN(i)); err != nil {
			return err
		}
	}
	return until(4*patience, func() bool {
		s := p.b.fleet.Status()
		return p.a.fleet.Status().Waiting == 0 && s.Held == n
	})
}

func megabytes(n uint64) string { return fmt.Sprintf("%.1f MB", float64(n)/1e6) }
