// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/lab"
)

// RFC 9959 4.2.1: a round-trip time that falls to half of the saved one during
// the jump says that this is another path. Nothing is lost, and it is a retreat.
func TestPathChangesWithinTheJump(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		for family, peer := range map[string]netip.Addr{"IPv4": s.Client.IPv4, "IPv6": s.Client.IPv6} {
			t.Run(cc+" "+family, func(t *testing.T) {
				must(t, s.SetPath(midPath))
				must(t, deleted(peer))
				saved := s.bdp()
				saved.Peer = peer
				s.put(t, saved)
				p := s.greeted(t, cc, lab.DialSpec{Local: peer})
				shorter := midPath
				shorter.RTT = 15 * time.Millisecond
				must(t, s.SetPath(shorter))
				p.send(t, 1_000_000)
				retreat := s.Events.change(t, p, "safe_retreat")
				between(t, "window of the retreat", retreat.Cwnd, 2, 20)
				exit := s.Events.change(t, p, "normal")
				between(t, "window at its end", exit.Cwnd, 2, 20)
				s.ended(t, p, jumps, "unvalidated, safe_retreat: path_changed", recovers)
				same(t, "entry", s.entry(t, peer).State, pathstore.StateSpent)
			})
		}
	}
}

// A queue that others keep full shows in the round-trip time, and the jump
// shrinks by the square of it.
func TestQueueOfOthersShrinksTheJump(t *testing.T) {
	s := newStage(t, lab.Path{RTT: 40 * time.Millisecond, Rate: 20e6, Queue: 150_000})
	must(t, s.Client.AddAddr(neighbour))
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			long := s.open(t, "cubic", lab.DialSpec{Local: neighbour})
			defer long.reset(t)
			long.start(1 << 30)
			eventually(t, "a queue", func() bool { return info(t, long.server).Rtt > 70_000 })

			must(t, deleted(s.Client.IPv4))
			saved := s.stale()
			s.put(t, saved)
			p := s.greeted(t, cc, lab.DialSpec{})
			p.start(400_000)
			jump := s.Events.change(t, p, "unvalidated")
			same(t, "limit", jump.Limit, "standing_queue")
			ratio := float64(saved.RTT) / float64(jump.SRTT)
			want := uint64(ratio * ratio * float64(min(saved.Cwnd/2, 1<<20)))
			between(t, "jump", uint64(jump.Jump), want*98/100, want*102/100)
			p.reset(t)
		})
	}
}

var neighbour = netip.MustParseAddr("198.18.0.77")
