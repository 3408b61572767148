// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"slices"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/lab"
)

const inUse = "reconnaissance, normal: in_use_elsewhere"

func TestTwoConnectionsOneJump(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			must(t, deleted(s.Client.IPv4))
			s.put(t, s.bdp())
			first := s.greeted(t, cc, lab.DialSpec{})
			second := s.greeted(t, cc, lab.DialSpec{})
			waits := []func(testing.TB){first.start(400_000), second.start(400_000)}
			for _, wait := range waits {
				wait(t)
			}
			refused := func(p *pair) bool { return slices.Equal(s.Events.story(p), []string{inUse}) }
			eventually(t, "a refusal", func() bool { return refused(first) || refused(second) })
			if refused(first) { // the order of two goroutines
				first, second = second, first
			}
			s.ended(t, second, inUse)
			same(t, "entry", stateOf(s.entry(t, s.Client.IPv4)), entryState{pathstore.StateInUse, first.cookie, 1, 0})
			first.reset(t)
			eventually(t, "a free entry", func() bool { return s.entry(t, s.Client.IPv4).State == pathstore.StateFree })
			next := s.greeted(t, cc, lab.DialSpec{})
			next.send(t, 200_000)
			same(t, "trigger of the next", s.Events.change(t, next, "unvalidated").Trigger, "congestion_window_limited")
			next.reset(t)
		})
	}
}

// A fresh report frees the entry, but not the path of a connection that still jumps.
func TestFreshReportStartsNoSecondJump(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, s.bdp())
			first := s.greeted(t, cc, lab.DialSpec{})
			s.silence(t, first)
			first.start(400_000)
			s.Events.change(t, first, "unvalidated")

			s.put(t, s.bdp())
			same(t, "entry", s.entry(t, s.Client.IPv4).State, pathstore.StateFree)
			second := s.greeted(t, cc, lab.DialSpec{})
			second.send(t, 200_000)
			s.ended(t, second, inUse)
			s.ended(t, first, jumps)

			third := s.greeted(t, cc, lab.DialSpec{})
			third.send(t, 200_000)
			s.Events.change(t, third, "unvalidated")
			third.reset(t)
		})
	}
}

// silence loses what the server sends on one connection, and leaves it in its phase until the timeout.
func (s *stage) silence(t *testing.T, p *pair) {
	port := clientPort(p)
	s.Capture(func(packet lab.Packet) {
		if packet.Payload > 0 && packet.To.Port() == port {
			lose(packet)
		}
	})
	t.Cleanup(func() { s.Capture(nil) })
}

func TestAbortedJumpFreesThePath(t *testing.T) {
	s := newStage(t, shallow)
	for _, phase := range []string{"unvalidated", "safe_retreat"} {
		for _, cc := range controls {
			t.Run(phase+" "+cc, func(t *testing.T) {
				s.put(t, s.stale())
				p := s.greeted(t, cc, lab.DialSpec{})
				p.start(2_000_000)
				s.Events.change(t, p, phase)
				must(t, abort(p.client))
				eventually(t, "event closed", func() bool { return len(s.Events.of(p, "closed")) > 0 })
				want := pathstore.StateFree
				if phase == "safe_retreat" {
					want = pathstore.StateSpent
				}
				same(t, "entry", s.entry(t, s.Client.IPv4).State, want)

				s.put(t, s.bdp())
				next := s.greeted(t, cc, lab.DialSpec{})
				next.send(t, 300_000)
				s.Events.change(t, next, "unvalidated")
				next.reset(t)
			})
		}
	}
}
