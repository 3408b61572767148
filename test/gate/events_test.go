// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
)

// eventLog keeps what the kernel tells, and the ring empty.
type eventLog struct {
	mu   sync.Mutex
	all  []pathstore.Event
	stop func()
}

func watch(t testing.TB, store *pathstore.Store) *eventLog {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log, done := &eventLog{}, make(chan error, 1)
	go func() {
		done <- store.Watch(ctx, func(event pathstore.Event) error {
			log.mu.Lock()
			defer log.mu.Unlock()
			log.all = append(log.all, event)
			return nil
		})
	}()
	log.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	t.Cleanup(log.stop)
	return log
}

// of returns the events of a kind so far.
func (l *eventLog) of(kind string) []pathstore.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.all), func(e pathstore.Event) bool { return e.Kind != kind })
}

// wait returns the event of a kind about the socket with a cookie.
func (l *eventLog) wait(t testing.TB, kind string, cookie uint64) (event pathstore.Event) {
	t.Helper()
	check.Eventually(t, patience, "event "+kind, func() bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		i := slices.IndexFunc(l.all, func(e pathstore.Event) bool { return e.Kind == kind && e.Cookie == cookie })
		if i >= 0 {
			event = l.all[i]
		}
		return i >= 0
	})
	return event
}
