// SPDX-License-Identifier: Apache-2.0

package live

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// Stories that several tests share.
const (
	jumps     = "reconnaissance, unvalidated: congestion_window_limited"
	validates = "unvalidated, validating"
	fills     = "validating, filling: last_unvalidated_packet_acknowledged"
	isFull    = "filling, normal"
	inUse     = "reconnaissance, normal: in_use_elsewhere"
)

// eventLog keeps what the kernel tells, and the ring empty.
type eventLog struct {
	mu  sync.Mutex
	all []pathstore.Event
}

func watch(t testing.TB) *eventLog {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log, done := &eventLog{}, make(chan error, 1)
	store := loaded.Store
	go func() {
		done <- store.Watch(ctx, func(event pathstore.Event) error {
			log.mu.Lock()
			defer log.mu.Unlock()
			log.all = append(log.all, event)
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return log
}

func (l *eventLog) of(p *pair, kind string) []pathstore.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.all), func(e pathstore.Event) bool {
		return e.Kind != kind || e.Cookie != p.cookie
	})
}

// story is every change of phase so far. Which of three ways led into Validating
// depends on what was in flight before the jump, and whether delay or a loss
// ends Filling on what else the machine does.
func (l *eventLog) story(p *pair) (told []string) {
	for _, e := range l.of(p, "phase") {
		step := e.OldPhase + ", " + e.Phase
		if step != validates && step != isFull {
			step += ": " + e.Trigger
		}
		told = append(told, step)
	}
	return told
}

// change waits until the connection entered a phase, and returns the event.
func (l *eventLog) change(t testing.TB, p *pair, phase string) (change pathstore.Event) {
	t.Helper()
	eventually(t, phase, func() bool {
		all := l.of(p, "phase")
		i := slices.IndexFunc(all, func(e pathstore.Event) bool { return e.Phase == phase })
		if i >= 0 {
			change = all[i]
		}
		return i >= 0
	})
	return change
}

// ended resets the connection and compares its whole story.
func (s *stage) ended(t testing.TB, p *pair, want ...string) {
	t.Helper()
	p.reset(t)
	if len(s.Events.of(p, "resumed")) > 0 {
		eventually(t, "event closed", func() bool { return len(s.Events.of(p, "closed")) > 0 })
	}
	same(t, "story", s.Events.story(p), want)
}
