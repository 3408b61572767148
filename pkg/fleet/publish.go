// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"context"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

const (
	batch      = 512
	maxTries   = 3
	roomWait   = 100 * time.Millisecond
	msgTTLUnit = time.Second // NATS knows no finer lifetimes
)

// publish sends what has become of the peers that wait, while the fleet is live.
func (f *Fleet) publish(ctx context.Context, l *link) {
	var buf []byte
	next := time.Hour
	for {
		wait := time.NewTimer(next)
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-f.looks.wake:
		case <-wait.C:
		}
		wait.Stop()
		if !f.live.Load() {
			next = time.Hour // joined wakes
			continue
		}
		if l.js.PublishAsyncPending() >= inFlight {
			f.await(ctx)
			signal(f.looks.wake)
			continue
		}
		var taken []look
		taken, next = f.looks.take(batch, f.clock.now())
		for i, look := range taken {
			if !f.live.Load() { // back with the rest of them
				for _, rest := range taken[i:] {
					f.looks.add(rest)
				}
				break
			}
			c, worth := f.outcome(&look)
			if !worth {
				continue
			}
			buf = c.Append(buf[:0])
			f.send(l, look, c, buf)
		}
		next = max(next, 0)
	}
}

// await waits for confirmations, or a while.
func (f *Fleet) await(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-f.room:
	case <-time.After(roomWait):
	}
}

func (f *Fleet) send(l *link, look look, c Change, text []byte) {
	f.lag.begin(c.N, look.at)
	m := nats.NewMsg(f.opts.Config.subject(Key(look.peer)))
	m.Data = append([]byte(nil), text...)
	// One that expires a moment early would leave its successor's place to nothing.
	ttl := (c.TTL + msgTTLUnit - 1).Truncate(msgTTLUnit)
	if _, err := l.js.PublishMsgAsync(m, jetstream.WithMsgTTL(max(ttl, msgTTLUnit)), jetstream.WithRetryAttempts(0)); err != nil {
		f.unconfirmed(m, err)
		return
	}
	f.count("out_" + string(c.Op))
}

func (f *Fleet) confirmed() { signal(f.room) }

// unconfirmed puts a change back that may not have arrived: sent twice it does no harm.
func (f *Fleet) unconfirmed(m *nats.Msg, err error) {
	peer, bad := ParseKey(strings.TrimPrefix(m.Subject, f.opts.Config.subject("")))
	if bad != nil {
		return
	}
	live := f.live.Load()
	if live {
		f.complain(err)
	}
	f.mu.Lock()
	f.counts.add("out_unconfirmed")
	k := f.book.peers[peer]
	if k != nil && k.own {
		k.unsent = true
		if live {
			k.tries++
		}
	}
	hopeless := k != nil && k.tries >= maxTries
	if hopeless { // no right to this one, perhaps; the next change tries again
		k.unsent, k.tries = false, 0
		f.counts.add("out_given_up")
	}
	f.mu.Unlock()
	signal(f.room)
	if hopeless {
		return
	}
	f.looks.add(look{peer: peer, cause: retry, at: f.clock.now()})
}

// refill publishes again what this machine has published and what is still true.
func (f *Fleet) refill() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for peer, k := range f.book.peers {
		if k.own {
			k.unsent = true
			f.looks.add(look{peer: peer, cause: retry, at: f.clock.now()})
		}
	}
}
