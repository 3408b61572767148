// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

const inUse = "reconnaissance, normal: in_use_elsewhere"

// A fresh report frees the entry, but not the path of a connection that still jumps.
func TestFreshReportStartsNoSecondJump(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, s.BDP())
			first := s.Greeted(t, cc, lab.DialSpec{})
			s.Silence(t, first)
			first.Start(400_000)
			s.Events.Change(t, first, "unvalidated")

			s.Put(t, s.BDP())
			check.Same(t, "entry", s.Entry(t, s.Client.IPv4).State, pathstore.StateFree)
			second := s.Greeted(t, cc, lab.DialSpec{})
			second.Send(t, 200_000)
			s.Ended(t, second, inUse)
			s.Ended(t, first, jumps)

			third := s.Greeted(t, cc, lab.DialSpec{})
			third.Send(t, 200_000)
			s.Events.Change(t, third, "unvalidated")
			third.Reset(t)
		})
	}
}

func TestAbortedJumpFreesThePath(t *testing.T) {
	s := newStage(t, scene.Shallow)
	for _, phase := range []string{"unvalidated", "safe_retreat"} {
		for _, cc := range scene.Controls {
			t.Run(phase+" "+cc, func(t *testing.T) {
				check.Must(t, s.Forget(s.Client.IPv4)) // with its retreats
				s.Put(t, s.Stale())
				p := s.Greeted(t, cc, lab.DialSpec{})
				p.Start(2_000_000)
				s.Events.Change(t, p, phase)
				check.Must(t, scene.Abort(p.Client))
				check.Eventually(t, scene.Patience, "event closed", func() bool { return len(s.Events.Of(p, "closed")) > 0 })
				want := pathstore.StateFree
				if phase == "safe_retreat" {
					want = pathstore.StateSpent
				}
				check.Same(t, "entry", s.Entry(t, s.Client.IPv4).State, want)

				s.Put(t, s.Stale()) // of which a retreat leaves a half
				next := s.Greeted(t, cc, lab.DialSpec{})
				next.Send(t, 300_000)
				s.Events.Change(t, next, "unvalidated")
				next.Reset(t)
			})
		}
	}
}
