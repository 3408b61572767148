// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/lab"
)

func TestJumpFromTheEntryToThePipe(t *testing.T) {
	s := newStage(t, midPath)
	afterwards := map[string]string{"cubic": "cubic", "reno": "reno", "bbr": "resume_bbr"}
	for family, peer := range map[string]netip.Addr{"IPv4": s.Client.IPv4, "IPv6": s.Client.IPv6} {
		for _, cc := range controls {
			t.Run(cc+" "+family, func(t *testing.T) {
				saved := s.bdp()
				saved.Peer = peer
				must(t, deleted(peer))
				s.put(t, saved)
				before := s.entry(t, peer)
				p := s.greeted(t, cc, lab.DialSpec{Local: peer})
				cold := info(t, p.server)
				between(t, "window before the jump", cold.Snd_cwnd, 10, 20)
				same(t, "entry before the jump", stateOf(s.entry(t, peer)), entryState{State: pathstore.StateFree})

				wait := p.start(3_000_000)
				jump := s.Events.change(t, p, "unvalidated")
				same(t, "entry in use", stateOf(s.entry(t, peer)), entryState{pathstore.StateInUse, p.cookie, 1, 0})
				seen := info(t, p.server)
				between(t, "window on the socket", seen.Snd_cwnd, jump.Cwnd-1, jump.Cwnd+1)
				wait(t)
				same(t, "jump", jump.Jump, saved.Cwnd/2)
				same(t, "limit", jump.Limit, "saved_window")
				same(t, "window of the event in segments", jump.Cwnd, uint32(saved.Cwnd/2)/jump.MSS)
				same(t, "congestion control", control(t, p.server), afterwards[cc])
				s.ended(t, p, jumps, validates, fills, isFull)

				after := s.entry(t, peer)
				same(t, "entry afterwards", stateOf(after), entryState{State: pathstore.StateFree, Uses: 1})
				between(t, "its lifetime", after.Age+after.TTL, before.Age+before.TTL-time.Millisecond, before.Age+before.TTL+time.Millisecond)
			})
		}
	}
}

func deleted(peer netip.Addr) error {
	_, err := loaded.Store.Get(peer, 0)
	if err != nil {
		return nil
	}
	return loaded.Store.Delete(peer, 0)
}

// RFC 9959 4.2: whatever is saved, the first round trip is that of a cold connection.
func TestFirstFlightIsIW(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, s.bdp())
			p := s.open(t, cc, lab.DialSpec{})
			w := s.record(t)
			wait := p.start(600_000)
			jump := s.Events.change(t, p, "unvalidated")
			wait(t)
			mss, rtt := int(jump.MSS), s.Path().RTT
			start := w.packets()[0].At
			same(t, "bytes of the first round trip", w.bytes(start, start+rtt*9/10), 10*mss)
			// Slow start sends two segments for each acknowledged one until the jump.
			between(t, "bytes before the jump", w.bytes(start, w.at(t, jump.FirstUnval)), 10*mss, 30*mss)
			p.reset(t)
		})
	}
}

// This looks at how even the jump is, not at how fast: a burst would overrun a
// queue that is shallower than the window.
func TestJumpIsPaced(t *testing.T) {
	s := newStage(t, lab.Path{RTT: 60 * time.Millisecond, Rate: 100e6})
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			// A busy machine can hold up a timer, and two bins' packets leave in one; a burst is there each time.
			const attempts = 8
			var (
				bins []int
				jump pathstore.Event
			)
			for range attempts {
				if bins, jump = s.jumpInBins(t, cc); even(bins, int(jump.Jump)) {
					return
				}
			}
			t.Errorf("in %d attempts a bin was more than a quarter off the mean of %d bytes, at last: %v", attempts, jump.Jump, bins)
		})
	}
}

// jumpInBins returns the bytes that left in each 5 ms of the jump's round trip.
func (s *stage) jumpInBins(t *testing.T, cc string) (bins []int, jump pathstore.Event) {
	t.Helper()
	const bin = 5 * time.Millisecond
	s.put(t, s.bdp())
	p := s.greeted(t, cc, lab.DialSpec{})
	w := s.record(t)
	wait := p.start(1_000_000)
	jump = s.Events.change(t, p, "unvalidated")
	wait(t)
	p.reset(t)
	start := w.at(t, jump.FirstUnval)
	for at := start; at+bin <= start+s.Path().RTT; at += bin {
		bins = append(bins, w.bytes(at, at+bin))
	}
	return bins, jump
}

func even(bins []int, sum int) bool {
	mean := sum / len(bins)
	return !slices.ContainsFunc(bins, func(bytes int) bool { return bytes < mean-mean/4 || bytes > mean+mean/4 })
}

// RFC 9959 1: either end, by its own entry of the other.
func TestEitherEndJumps(t *testing.T) {
	s := newStage(t, midPath)
	must(t, s.Client.Sysctl("net.ipv4.tcp_wmem", "4096 16777216 16777216"))
	must(t, s.Server.Sysctl("net.ipv4.tcp_rmem", "4096 16777216 16777216"))
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			saved := s.bdp()
			saved.Peer = s.Server.IPv4
			s.put(t, saved)
			p := s.connect(t, lab.ListenSpec{}, lab.DialSpec{CC: cc, Cgroup: loaded.Cgroup})
			p.send(t, prelude)
			p.send(t, 3_000_000)
			s.ended(t, p, jumps, validates, fills, isFull)
		})
	}
}
