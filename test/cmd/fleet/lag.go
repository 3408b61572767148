// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// pair is two machines that share paths.
type pair struct {
	bus  *bus
	a, b *machine
}

func newPair(ctx context.Context, stored func(resume.Path)) (_ *pair, err error) {
	p := &pair{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.bus, err = newBus(); err != nil {
		return nil, err
	}
	for _, m := range []struct {
		to   **machine
		name string
	}{{&p.a, "a"}, {&p.b, "b"}} {
		if *m.to, err = newMachine(m.name, p.bus); err != nil {
			return nil, err
		}
	}
	p.b.stored = stored
	for _, m := range []*machine{p.a, p.b} {
		if err := m.join(ctx, nil); err != nil {
			return nil, err
		}
		if err := m.live(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

func (p *pair) close() error {
	var errs []error
	for _, m := range []*machine{p.a, p.b} {
		if m != nil {
			errs = append(errs, m.close())
		}
	}
	if p.bus != nil {
		errs = append(errs, p.bus.close())
	}
	return errors.Join(errs...)
}

// stopwatch measures many things at once, by number.
type stopwatch struct {
	began time.Time
	start []atomic.Int64
	took  []atomic.Int64
	done  atomic.Int64
}

func newStopwatch(n int) *stopwatch {
	return &stopwatch{began: time.Now(), start: make([]atomic.Int64, n), took: make([]atomic.Int64, n)}
}

func (s *stopwatch) begin(n int) { s.start[n].Store(int64(time.Since(s.began))) }

func (s *stopwatch) end(n int) {
	if n >= 0 && n < len(s.took) && s.took[n].Load() == 0 {
		s.took[n].Store(int64(time.Since(s.began)) - s.start[n].Load())
		s.done.Add(1)
	}
}

func (s *stopwatch) all() (took []time.Duration) {
	for i := range s.took {
		if d := s.took[i].Load(); d != 0 {
			took = append(took, time.Duration(d))
		}
	}
	return took
}

// paced calls f n times, evenly over the time, and never to catch up by more than a burst.
func paced(ctx context.Context, n int, rate int, f func(i int) error) error {
	began := time.Now()
	for i := 0; i < n; {
		due := min(n, int(time.Since(began).Seconds()*float64(rate))+1)
		for ; i < due; i++ {
			if err := f(i); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Microsecond):
		}
	}
	return nil
}

func measureLag(ctx context.Context, o options) error {
	o.head("reports a second", "reports", "p50", "p99", "longest", "sent, not on B")
	for _, rate := range []int{100, 1000, 10_000} {
		if err := o.lagAt(ctx, rate); err != nil {
			return err
		}
	}
	return nil
}

// lagAt sends reports of as many peers over the agent's socket.
func (o options) lagAt(ctx context.Context, rate int) error {
	n := int(o.duration.Seconds() * float64(rate))
	watch := newStopwatch(n)
	p, err := newPair(ctx, func(path resume.Path) { watch.end(numberOf(path.Peer)) })
	if err != nil {
		return err
	}
	defer p.close()
	reporter, err := p.a.serve(ctx)
	if err != nil {
		return err
	}
	defer reporter.Close()
	report := resume.Report{Event: resume.ReportTick, Cwnd: 300_000, MinRTT: 80 * time.Millisecond, Sent: 3_000_000, MSS: 1200, CC: "cubic"}
	if err := paced(ctx, n, rate, func(i int) error {
		report.Peer = peerN(i)
		watch.begin(i)
		return reporter.Report(ctx, report)
	}); err != nil {
		return err
	}
	_ = until(5*time.Second, func() bool { return watch.done.Load() == int64(n) })
	took := watch.all()
	for name, q := range map[string]float64{"p50": 0.5, "p99": 0.99} {
		o.book.AddTime(quantile(took, q), "fleet", "lag", fmt.Sprintf("%d per s", rate), name)
	}
	o.row(rate, n, quantile(took, 0.5), quantile(took, 0.99), quantile(took, 1), n-len(took))
	return nil
}
