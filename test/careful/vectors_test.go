// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"slices"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// The vectors of RFC 9959 that are about who may use a set, which is decided at
// the moment of the jump; the others are in test/phase.

// T7: two connections at once with one set; RFC 9959 3.2 lets one of them use it.
func TestVectorT7TwoConnectionsOneSet(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			s.Put(t, s.BDP())
			first := s.Greeted(t, cc, lab.DialSpec{})
			second := s.Greeted(t, cc, lab.DialSpec{})
			waits := []func(testing.TB){first.Start(400_000), second.Start(400_000)}
			for _, wait := range waits {
				wait(t)
			}
			refused := func(p *scene.Pair) bool { return slices.Equal(s.Events.Story(p), []string{inUse}) }
			check.Eventually(t, scene.Patience, "a refusal", func() bool { return refused(first) || refused(second) })
			if refused(first) { // the order of two goroutines
				first, second = second, first
			}
			s.Ended(t, second, inUse)
			check.Same(t, "entry", scene.StateOf(s.Entry(t, s.Client.IPv4)), scene.EntryState{State: pathstore.StateInUse, Holder: first.Cookie, Uses: 1})
			first.Reset(t)
			check.Eventually(t, scene.Patience, "a free entry", func() bool { return s.Entry(t, s.Client.IPv4).State == pathstore.StateFree })
			next := s.Greeted(t, cc, lab.DialSpec{})
			next.Send(t, 200_000)
			check.Same(t, "trigger of the next", s.Events.Change(t, next, "unvalidated").Trigger, "congestion_window_limited")
			next.Reset(t)
		})
	}
}

// T8: the set expires while a connection waits for its first data; RFC 9959 3.2 deletes it.
func TestVectorT8ExpiredSet(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			saved := s.BDP()
			saved.TTL = time.Second
			s.Put(t, saved)
			first := s.Greeted(t, cc, lab.DialSpec{})
			time.Sleep(1200 * time.Millisecond)
			wait := first.Start(200_000)
			change := s.Events.Change(t, first, "normal")
			check.Between(t, "window", change.Cwnd, 10, 20)
			wait(t)
			check.Same(t, "entry", s.Entry(t, s.Client.IPv4).State, pathstore.StateSpent)
			second := s.Greeted(t, cc, lab.DialSpec{})
			second.Send(t, 200_000)
			s.Ended(t, second) // nothing is left to begin with
			s.Ended(t, first, "reconnaissance, normal: expired_meanwhile")
		})
	}
}
