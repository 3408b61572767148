// SPDX-License-Identifier: Apache-2.0

package scene

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
)

// EventLog keeps what the kernel tells, and the ring empty.
type EventLog struct {
	// Tell puts a change of phase into words; replaced, it may leave out what
	// a test does not judge.
	Tell func(pathstore.Event) string

	mu  sync.Mutex
	all []pathstore.Event
}

func tell(e pathstore.Event) string { return fmt.Sprintf("%s, %s: %s", e.OldPhase, e.Phase, e.Trigger) }

func watch(t testing.TB, store *pathstore.Store) *EventLog {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log, done := &EventLog{Tell: tell}, make(chan error, 1)
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

// Of are the events of a kind and a connection.
func (l *EventLog) Of(p *Pair, kind string) []pathstore.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.all), func(e pathstore.Event) bool {
		return e.Kind != kind || e.Cookie != p.Cookie
	})
}

// Story is every change of phase so far.
func (l *EventLog) Story(p *Pair) (told []string) {
	for _, e := range l.Of(p, "phase") {
		told = append(told, l.Tell(e))
	}
	return told
}

// Change waits until the connection entered a phase, and returns the event.
func (l *EventLog) Change(t testing.TB, p *Pair, phase string) (change pathstore.Event) {
	t.Helper()
	check.Eventually(t, Patience, phase, func() bool {
		all := l.Of(p, "phase")
		i := slices.IndexFunc(all, func(e pathstore.Event) bool { return e.Phase == phase })
		if i >= 0 {
			change = all[i]
		}
		return i >= 0
	})
	return change
}

// Ended resets the connection and compares its whole story.
func (s *Stage) Ended(t testing.TB, p *Pair, want ...string) {
	t.Helper()
	p.Reset(t)
	if len(s.Events.Of(p, "resumed")) > 0 {
		check.Eventually(t, Patience, "event closed", func() bool { return len(s.Events.Of(p, "closed")) > 0 })
	}
	check.Same(t, "story", s.Events.Story(p), want)
}
