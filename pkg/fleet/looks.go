// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"net/netip"
	"sync"
	"time"
)

// cause is why a peer's entry is looked at; the larger one counts.
type cause uint8

const (
	changed cause = iota // a report or an event: the map says what has become of it
	retry                // the server did not confirm what was sent
	deleted              // by the operator
)

// look is a peer whose entry is to be looked at.
type look struct {
	peer  netip.Addr
	cause cause
	at    int64 // when it was asked for first
}

// looks are the peers that wait. Several changes of one are one look, as what is
// published is what the map holds then. Who asks never waits.
type looks struct {
	mu      sync.Mutex
	waiting map[netip.Addr]*look
	order   []netip.Addr // oldest first; those gone from waiting are skipped
	later   []postponed  // earliest first
	most    int
	dropped uint64
	merged  uint64
	wake    chan struct{}
}

type postponed struct {
	look
	due int64
}

func newLooks(most int) *looks {
	return &looks{waiting: make(map[netip.Addr]*look), most: most, wake: make(chan struct{}, 1)}
}

func (l *looks) add(next look) {
	l.mu.Lock()
	l.put(next)
	l.mu.Unlock()
	signal(l.wake)
}

func (l *looks) put(next look) {
	if w := l.waiting[next.peer]; w != nil {
		w.cause = max(w.cause, next.cause)
		l.merged++
		return
	}
	for len(l.waiting) >= l.most {
		oldest := l.order[0]
		l.order = l.order[1:]
		if _, waits := l.waiting[oldest]; waits {
			delete(l.waiting, oldest)
			l.dropped++
		}
	}
	l.waiting[next.peer] = &next
	l.order = append(l.order, next.peer)
}

// postpone keeps a look for a later time. The order of arrival is nearly that of
// the due times, as all spans are parts of one interval.
func (l *looks) postpone(next look, until int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.later) >= l.most {
		l.dropped++
		return
	}
	l.later = append(l.later, postponed{next, until})
}

// take removes up to some looks, and says when the next postponed one is due.
func (l *looks) take(most int, now int64) (taken []look, next time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.later) > 0 && l.later[0].due <= now {
		l.put(l.later[0].look)
		l.later = l.later[1:]
	}
	for len(l.order) > 0 && len(taken) < most {
		peer := l.order[0]
		l.order = l.order[1:]
		if w := l.waiting[peer]; w != nil {
			delete(l.waiting, peer)
			taken = append(taken, *w)
		}
	}
	next = time.Hour
	switch {
	case len(l.order) > 0:
		next = 0
	case len(l.later) > 0:
		next = time.Duration(l.later[0].due - now)
	}
	return taken, next
}

func (l *looks) counts() (waiting int, dropped, merged uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.waiting) + len(l.later), l.dropped, l.merged
}
