// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

func TestJumpFromTheEntryToThePipe(t *testing.T) {
	s := newStage(t, scene.MidPath)
	afterwards := map[string]string{"cubic": "cubic", "reno": "reno", "bbr": "resume_bbr"}
	for family, peer := range map[string]netip.Addr{"IPv4": s.Client.IPv4, "IPv6": s.Client.IPv6} {
		for _, cc := range scene.Controls {
			t.Run(cc+" "+family, func(t *testing.T) {
				saved := s.BDP()
				saved.Peer = peer
				check.Must(t, s.Forget(peer))
				s.Put(t, saved)
				before := s.Entry(t, peer)
				p := s.Greeted(t, cc, lab.DialSpec{Local: peer})
				cold := scene.Info(t, p.Server)
				check.Between(t, "window before the jump", cold.Snd_cwnd, 10, 20)
				check.Same(t, "entry before the jump", scene.StateOf(s.Entry(t, peer)), scene.EntryState{State: pathstore.StateFree})

				wait := p.Start(3_000_000)
				jump := s.Events.Change(t, p, "unvalidated")
				check.Same(t, "entry in use", scene.StateOf(s.Entry(t, peer)), scene.EntryState{State: pathstore.StateInUse, Holder: p.Cookie, Uses: 1})
				seen := scene.Info(t, p.Server)
				check.Between(t, "window on the socket", seen.Snd_cwnd, jump.Cwnd-1, jump.Cwnd+1)
				wait(t)
				check.Same(t, "jump", jump.Jump, saved.Cwnd/2)
				check.Same(t, "limit", jump.Limit, "saved_window")
				check.Same(t, "window of the event in segments", jump.Cwnd, uint32(saved.Cwnd/2)/jump.MSS)
				check.Same(t, "congestion control", scene.Control(t, p.Server), afterwards[cc])
				s.Ended(t, p, jumps, validates, fills, isFull)

				after := s.Entry(t, peer)
				check.Same(t, "entry afterwards", scene.StateOf(after), scene.EntryState{State: pathstore.StateFree, Uses: 1})
				check.Between(t, "its lifetime", after.Age+after.TTL, before.Age+before.TTL-time.Millisecond, before.Age+before.TTL+time.Millisecond)
			})
		}
	}
}

// RFC 9959 4.2: whatever is saved, the first round trip is that of a cold connection.
func TestFirstFlightIsIW(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, s.BDP())
			p := s.Open(t, cc, lab.DialSpec{})
			w := s.record(t)
			wait := p.Start(600_000)
			jump := s.Events.Change(t, p, "unvalidated")
			wait(t)
			mss, rtt := int(jump.MSS), s.Path().RTT
			start := w.packets()[0].At
			check.Same(t, "bytes of the first round trip", w.bytes(start, start+rtt*9/10), 10*mss)
			// Slow start sends two segments for each acknowledged one until the jump.
			check.Between(t, "bytes before the jump", w.bytes(start, w.at(t, jump.FirstUnval)), 10*mss, 30*mss)
			p.Reset(t)
		})
	}
}

// This looks at how even the jump is, not at how fast: a burst would overrun a
// queue that is shallower than the window.
func TestJumpIsPaced(t *testing.T) {
	s := newStage(t, lab.Path{RTT: 60 * time.Millisecond, Rate: 100e6})
	for _, cc := range scene.Controls {
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
	s.Put(t, s.BDP())
	p := s.Greeted(t, cc, lab.DialSpec{})
	w := s.record(t)
	wait := p.Start(1_000_000)
	jump = s.Events.Change(t, p, "unvalidated")
	wait(t)
	p.Reset(t)
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
	s := newStage(t, scene.MidPath)
	check.Must(t, s.Client.Sysctl("net.ipv4.tcp_wmem", "4096 16777216 16777216"))
	check.Must(t, s.Server.Sysctl("net.ipv4.tcp_rmem", "4096 16777216 16777216"))
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			saved := s.BDP()
			saved.Peer = s.Server.IPv4
			s.Put(t, saved)
			p := s.Connect(t, lab.ListenSpec{}, lab.DialSpec{CC: cc, Cgroup: loaded.Cgroup})
			p.Send(t, scene.Prelude)
			p.Send(t, 3_000_000)
			s.Ended(t, p, jumps, validates, fills, isFull)
		})
	}
}
