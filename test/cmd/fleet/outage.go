// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"sync/atomic"
	"time"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/wire"
)

const outageRate = 1000 // changes a second on each machine

// measureOutages loads both machines while something is away, and then waits
// until their maps are equal.
func measureOutages(ctx context.Context, o options) error {
	o.head("what", "away", "changes meanwhile", "longest call of the agent", "dropped", "published again", "equal after")
	for _, outage := range []struct {
		name string
		run  func(ctx context.Context, o options, p *pair) (func() error, error)
	}{
		{"NATS server killed (SIGKILL), its memory lost", serverKilled},
		{"agent cut off", agentCutOff},
		{"agent that takes 5 ms for each path", slowAgent},
	} {
		if err := o.outage(ctx, outage.name, outage.run); err != nil {
			return fmt.Errorf("%s: %w", outage.name, err)
		}
	}
	return nil
}

func (o options) outage(ctx context.Context, name string, run func(context.Context, options, *pair) (func() error, error)) error {
	p, err := newPair(ctx, nil)
	if err != nil {
		return err
	}
	defer p.close()
	load := newLoad(ctx, p)
	time.Sleep(3 * time.Second)
	began := time.Now()
	end, err := run(ctx, o, p)
	if err != nil {
		return err
	}
	away := time.Since(began)
	if err := load.stop(); err != nil {
		return err
	}
	mended := time.Now()
	if err := end(); err != nil {
		return err
	}
	if err := until(2*time.Minute, func() bool { return equal(p.a, p.b) }); err != nil {
		return err
	}
	equalAfter := time.Since(mended)
	a, b := p.a.fleet.Status().Counts, p.b.fleet.Status().Counts
	o.book.AddTime(time.Duration(load.longest.Load()), "fleet", "outage", name, "longest call")
	o.row(name, away, load.changes.Load(), time.Duration(load.longest.Load()),
		a["out_dropped"]+b["out_dropped"], a["out_again"]+b["out_again"]+a["out_unconfirmed"]+b["out_unconfirmed"], equalAfter)
	return nil
}

func equal(a, b *machine) bool {
	x, err1 := a.contents()
	y, err2 := b.contents()
	return err1 == nil && err2 == nil && len(x) > 0 && maps.Equal(x, y)
}

// serverKilled is away for a while and comes back empty.
func serverKilled(ctx context.Context, o options, p *pair) (func() error, error) {
	p.bus.kill()
	return p.bus.start, sleep(ctx, o.cut/3)
}

// agentCutOff puts B behind a wire that is cut.
func agentCutOff(ctx context.Context, o options, p *pair) (func() error, error) {
	w, err := wire.New(p.bus.addr)
	if err != nil {
		return nil, err
	}
	p.b.leave()
	p.b.url = "nats://" + w.Addr()
	if err := p.b.join(ctx, nil); err != nil {
		return nil, err
	}
	if err := p.b.live(); err != nil {
		return nil, err
	}
	w.Sever(true)
	if err := until(patience, func() bool { return p.b.fleet.Status().State == fleet.StateAlone }); err != nil {
		return nil, err
	}
	return func() error {
		w.Sever(false)
		return nil
	}, sleep(ctx, o.cut)
}

func slowAgent(ctx context.Context, o options, p *pair) (func() error, error) {
	p.b.leave()
	p.b.slow = 5 * time.Millisecond
	if err := p.b.join(ctx, nil); err != nil {
		return nil, err
	}
	return func() error { return nil }, sleep(ctx, o.cut/3)
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// load changes paths on both machines: own ones, and a few of the other's.
type load struct {
	changes atomic.Int64
	longest atomic.Int64
	stop    func() error
}

func newLoad(ctx context.Context, p *pair) *load {
	l := &load{}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 2)
	for i, m := range []*machine{p.a, p.b} {
		writer := m.store.Writer()
		go func() {
			done <- paced(ctx, unbound, outageRate, func(n int) error {
				began := time.Now()
				err := m.paths(writer, resume.Bytes(200_000+n), peerOf(i, n))
				if took := int64(time.Since(began)); took > l.longest.Load() {
					l.longest.Store(took)
				}
				l.changes.Add(1)
				return err
			})
		}()
	}
	l.stop = func() error {
		cancel()
		for range 2 {
			if err := <-done; err != nil && ctx.Err() == nil {
				return err
			}
		}
		return nil
	}
	return l
}

// peerOf gives each machine 10,000 peers, of which every tenth is both machines'.
func peerOf(machine, n int) netip.Addr {
	n %= 10_000
	if n%10 == 0 {
		return peerN(n)
	}
	return peerN(n + machine*10_000)
}
