// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// RFC 9959 4.2.1: a round-trip time that falls to half of the saved one during
// the jump says that this is another path. Nothing is lost, and it is a retreat.
func TestPathChangesWithinTheJump(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		for family, peer := range map[string]netip.Addr{"IPv4": s.Client.IPv4, "IPv6": s.Client.IPv6} {
			t.Run(cc+" "+family, func(t *testing.T) {
				check.Must(t, s.SetPath(scene.MidPath))
				check.Must(t, s.Forget(peer))
				saved := s.BDP()
				saved.Peer = peer
				s.Put(t, saved)
				p := s.Greeted(t, cc, lab.DialSpec{Local: peer})
				shorter := scene.MidPath
				shorter.RTT = 15 * time.Millisecond
				check.Must(t, s.SetPath(shorter))
				p.Send(t, 1_000_000)
				retreat := s.Events.Change(t, p, "safe_retreat")
				check.Between(t, "window of the retreat", retreat.Cwnd, 2, 20)
				exit := s.Events.Change(t, p, "normal")
				check.Between(t, "window at its end", exit.Cwnd, 2, 20)
				check.Same(t, "entry", s.Entry(t, peer).State, pathstore.StateSpent)
				s.Ended(t, p, jumps, "unvalidated, safe_retreat: path_changed", recovers)
			})
		}
	}
}

// A queue that others keep full shows in the round-trip time, and the jump
// shrinks by the square of it.
func TestQueueOfOthersShrinksTheJump(t *testing.T) {
	s := newStage(t, lab.Path{RTT: 40 * time.Millisecond, Rate: 20e6, Queue: 150_000})
	check.Must(t, s.Client.AddAddr(neighbour))
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			long := s.Open(t, "cubic", lab.DialSpec{Local: neighbour})
			defer long.Reset(t)
			long.Start(1 << 30)
			// What slow start overshoots by would drain the queue once more.
			check.Eventually(t, scene.Patience, "a queue that stays", func() bool {
				i := scene.Info(t, long.Server)
				return i.Ca_state == 0 && i.Snd_cwnd >= i.Snd_ssthresh && i.Rtt > 70_000
			})

			check.Must(t, s.Forget(s.Client.IPv4))
			saved := s.Stale()
			s.Put(t, saved)
			p := s.Greeted(t, cc, lab.DialSpec{})
			p.Start(400_000)
			jump := s.Events.Change(t, p, "unvalidated")
			check.Same(t, "limit", jump.Limit, "standing_queue")
			ratio := float64(saved.RTT) / float64(jump.SRTT)
			want := uint64(ratio * ratio * float64(min(saved.Cwnd/2, 1<<20)))
			check.Between(t, "jump", uint64(jump.Jump), want*98/100, want*102/100)
			p.Reset(t)
		})
	}
}

var neighbour = netip.MustParseAddr("198.18.0.77")
