// SPDX-License-Identifier: Apache-2.0

package browser

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// eventLog keeps what the kernel tells of the connections of one peer.
type eventLog struct {
	peer netip.Addr

	mu  sync.Mutex
	all []pathstore.Event
}

func watch(t *testing.T, peer netip.Addr) *eventLog {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	l, done := &eventLog{peer: peer}, make(chan error, 1)
	go func() {
		done <- loaded.Store.Watch(ctx, func(e pathstore.Event) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			if e.Peer.Addr() == peer {
				l.all = append(l.all, e)
			}
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil && !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
	return l
}

func (l *eventLog) of(kind string) []pathstore.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(l.all), func(e pathstore.Event) bool { return e.Kind != kind })
}

// story is every change of phase so far.
func (l *eventLog) story() (told []string) {
	for _, e := range l.of("phase") {
		told = append(told, fmt.Sprintf("%s, %s: %s", e.OldPhase, e.Phase, e.Trigger))
	}
	return told
}
