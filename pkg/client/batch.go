// SPDX-License-Identifier: Apache-2.0

package client

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"sync"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

const (
	firstBackoff = 100 * time.Millisecond
	lastBackoff  = 5 * time.Second
)

// batcher gathers reports, the latest of each connection, and posts them.
type batcher struct {
	opts   Options
	api    *api
	counts *counts

	mu      sync.Mutex
	pending map[connection]sample
	order   []connection // of their first report; those gone from pending are skipped
	closed  bool
	wake    chan struct{} // there is something to send
	posting sync.Mutex    // one request at a time, so that reports stay in order

	stop context.CancelFunc
	done chan struct{}
}

// connection tells what a newer report replaces.
type connection struct {
	id   string
	peer netip.AddrPort
}

type sample struct {
	resume.Report
	at time.Time
}

func newBatcher(opts Options, path string, counts *counts) *batcher {
	opts.Interval = cmp.Or(opts.Interval, 100*time.Millisecond)
	opts.Patience = cmp.Or(opts.Patience, 5*time.Second)
	opts.Batch = cmp.Or(opts.Batch, 500)
	opts.Pending = cmp.Or(opts.Pending, 4096)
	opts.MaxAge = cmp.Or(opts.MaxAge, 30*time.Second)
	if opts.OnError == nil {
		opts.OnError = func(error) {}
	}
	ctx, stop := context.WithCancel(context.Background())
	b := &batcher{
		opts: opts, api: newAPI(path), counts: counts, pending: make(map[connection]sample),
		wake: make(chan struct{}, 1), stop: stop, done: make(chan struct{}),
	}
	go b.run(ctx)
	return b
}

func (b *batcher) report(ctx context.Context, r resume.Report) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	key := connection{id: r.ID}
	if r.ID == "" {
		key.peer = netip.AddrPortFrom(r.Peer, r.Port)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return ErrClosed
	}
	b.note(key, sample{r, time.Now().Add(-r.Age)})
	select {
	case b.wake <- struct{}{}:
	default:
	}
	return nil
}

// note keeps the latest of each connection; without room the oldest goes.
func (b *batcher) note(key connection, s sample) {
	if _, again := b.pending[key]; !again {
		for len(b.pending) >= b.opts.Pending {
			if _, waits := b.pending[b.order[0]]; waits {
				delete(b.pending, b.order[0])
				b.counts.dropped.Add(1)
			}
			b.order = b.order[1:]
		}
		b.order = append(b.order, key)
	}
	b.pending[key] = s
}

// run gathers for a while after the first report, then sends.
func (b *batcher) run(ctx context.Context) {
	defer close(b.done)
	backoff := time.Duration(0)
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.wake:
		}
		if !sleep(ctx, b.opts.Interval+backoff) {
			return
		}
		err := b.flush(ctx)
		if err == nil || ctx.Err() != nil {
			backoff = 0
			continue
		}
		b.opts.OnError(err)
		if retryable(err) {
			backoff = min(lastBackoff, max(firstBackoff, 2*backoff))
			select {
			case b.wake <- struct{}{}:
			default:
			}
		}
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

func (b *batcher) flush(ctx context.Context) error {
	b.posting.Lock()
	defer b.posting.Unlock()
	var errs []error
	for {
		batch := b.take()
		if len(batch) == 0 {
			return errors.Join(errs...)
		}
		err := b.post(ctx, batch)
		if err != nil {
			errs = append(errs, err)
		}
		if retryable(err) {
			b.putBack(batch)
			return errors.Join(errs...)
		}
	}
}

func (b *batcher) post(ctx context.Context, batch []sample) error {
	ctx, cancel := context.WithTimeout(ctx, b.opts.Patience)
	defer cancel()
	var body []byte
	for _, s := range batch {
		s.Age = time.Since(s.at)
		body = append(s.Append(body), '\n')
	}
	_, err := b.api.post(ctx, body)
	if !retryable(err) {
		refused := 0
		if answer := new(Refused); errors.As(err, &answer) {
			refused = min(max(1, answer.Count), len(batch))
		}
		b.counts.refused.Add(uint64(refused))
		b.counts.sent.Add(uint64(len(batch) - refused))
	}
	return err
}

// take removes the next batch from what is pending, and drops what is too old.
func (b *batcher) take() []sample {
	b.mu.Lock()
	defer b.mu.Unlock()
	var batch []sample
	for len(b.order) > 0 && len(batch) < b.opts.Batch {
		key := b.order[0]
		b.order = b.order[1:]
		s, waits := b.pending[key]
		if !waits {
			continue
		}
		delete(b.pending, key)
		if time.Since(s.at) > b.opts.MaxAge {
			b.counts.dropped.Add(1)
			continue
		}
		batch = append(batch, s)
	}
	return batch
}

// putBack keeps what was not sent, unless something newer has come meanwhile.
func (b *batcher) putBack(batch []sample) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range batch {
		key := connection{id: s.ID}
		if s.ID == "" {
			key.peer = netip.AddrPortFrom(s.Peer, s.Port)
		}
		if _, newer := b.pending[key]; newer {
			b.counts.dropped.Add(1)
			continue
		}
		b.note(key, s)
	}
}

func (b *batcher) close() error {
	b.mu.Lock()
	if b.closed {
		b.mu.Unlock()
		return nil
	}
	b.closed = true
	b.mu.Unlock()
	b.stop()
	<-b.done
	ctx, cancel := context.WithTimeout(context.Background(), b.opts.Patience)
	defer cancel()
	err := b.flush(ctx)
	b.mu.Lock()
	b.counts.dropped.Add(uint64(len(b.pending)))
	b.pending = nil
	b.mu.Unlock()
	b.api.close()
	return err
}
