// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"fmt"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// Whatever ends a phase: the window that stays is proven, and only what speaks
// against the path speaks against the set.

// bothEnds are the two addresses of a pair.
func bothEnds(p *scene.Pair) (server, client netip.AddrPort) {
	unmapped := func(a netip.AddrPort) netip.AddrPort { return netip.AddrPortFrom(a.Addr().Unmap(), a.Port()) }
	return unmapped(netip.MustParseAddrPort(p.Server.LocalAddr().String())), unmapped(netip.MustParseAddrPort(p.Client.LocalAddr().String()))
}

// watchSent keeps the sequence number that comes after the newest segment of a pair.
func (s *stage) watchSent(t *testing.T, p *scene.Pair) (next *atomic.Uint32) {
	port := p.ClientPort()
	next = new(atomic.Uint32)
	s.Capture(func(packet lab.Packet) {
		if packet.To.Port() == port {
			next.Store(packet.Seq + uint32(packet.Payload))
		}
	})
	t.Cleanup(func() { s.Capture(nil) })
	return next
}

// The stack enters Loss without a timeout when the path's MTU falls, and leaves
// the window as it was.
func TestMTUFallsWithinTheJump(t *testing.T) {
	for _, cc := range scene.Controls {
		for _, ipv6 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, IPv6 %v", cc, ipv6), func(t *testing.T) {
				s := newStage(t, lab.Path{RTT: 200 * time.Millisecond, Rate: 50e6}) // a host keeps the MTU of a path
				peer := s.Client.Addr(ipv6)
				saved := s.BDP()
				saved.Peer = peer
				s.Put(t, saved)
				p := s.Greeted(t, cc, lab.DialSpec{Local: peer})
				next := s.watchSent(t, p)
				p.Start(2_000_000)
				jump := s.Events.Change(t, p, "unvalidated")
				server, client := bothEnds(p)
				check.Must(t, s.TooBig(server, client, next.Load(), 1300))
				check.Eventually(t, scene.Patience, "way out", func() bool { return len(s.Events.Story(p)) > 1 })
				out := s.Events.Of(p, "phase")[1]
				check.Same(t, "way out", s.Events.Story(p)[1], "unvalidated, safe_retreat: path_changed")
				check.Between(t, "window", resume.Bytes(out.Cwnd*out.MSS), 0, max(out.PipeSize, resume.Bytes(10*out.MSS)))
				check.Between(t, "window of the socket", scene.Info(t, p.Server).Snd_cwnd, 1, jump.Cwnd/4)
				p.Reset(t)
			})
		}
	}
}

// A segment is what it is when the window is written, not when the connection began.
func TestJumpIsInSegmentsOfNow(t *testing.T) {
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s := newStage(t, lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6}) // a host keeps the MTU of a path
			s.Put(t, s.BDP())
			p := s.Open(t, cc, lab.DialSpec{})
			next := s.watchSent(t, p)
			p.Send(t, scene.Prelude)
			server, client := bothEnds(p)
			check.Must(t, s.TooBig(server, client, next.Load(), 1000))
			check.Eventually(t, scene.Patience, "smaller segments", func() bool { return scene.Info(t, p.Server).Snd_mss < 1000 })
			p.Start(2_000_000)
			jump := s.Events.Change(t, p, "unvalidated")
			check.Same(t, "jump", jump.Jump, s.BDP().Cwnd/2)
			check.Between(t, "window in bytes", resume.Bytes(jump.Cwnd*jump.MSS), jump.Jump-resume.Bytes(jump.MSS), jump.Jump)
			p.Reset(t)
		})
	}
}

// A route's "cwnd lock" and any other bound of the socket holds in each mode.
func TestNoWindowAboveTheClamp(t *testing.T) {
	const lock = 40
	s := newStage(t, scene.MidPath)
	check.Must(t, s.Server.RouteCwndLock(s.Client.IPv4, lock))
	check.Must(t, s.Server.Sysctl("net.ipv4.tcp_no_metrics_save", "0"))
	first := s.Greeted(t, "cubic", lab.DialSpec{}) // its end brings the lock into the kernel's metrics
	check.Must(t, first.Client.CloseWrite())
	check.Must(t, first.Server.CloseWrite())
	check.Eventually(t, scene.Patience, "end", func() bool {
		return scene.Info(t, first.Client).State == unix.BPF_TCP_TIME_WAIT || scene.Info(t, first.Server).State == unix.BPF_TCP_CLOSE
	})
	for _, mode := range []resume.Mode{resume.ModeCareful, resume.ModeExact} {
		for _, cc := range scene.Controls {
			t.Run(string(mode)+" "+cc, func(t *testing.T) {
				check.Must(t, s.Forget(s.Client.IPv4))
				saved := s.Stale()
				saved.Mode = mode
				s.Put(t, saved)
				p := s.Open(t, cc, lab.DialSpec{})
				p.Send(t, 4000)
				var most uint32
				for _, seen := range sampled(t, p, 1_000_000) {
					most = max(most, seen.Snd_cwnd)
				}
				check.Between(t, "largest window", most, 10, lock)
				p.Reset(t)
			})
		}
	}
}

// Once the jump is validated, a timeout is normal congestion control's: the set
// was right, and the stack may undo what was spurious.
func TestTimeoutWhileFillingKeepsTheSet(t *testing.T) {
	path := lab.Path{RTT: 200 * time.Millisecond, Rate: 100e6}
	s := newStage(t, path)
	for _, cc := range []string{"cubic", "reno"} { // BBR stays in its own control while filling
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			s.Put(t, resume.Path{Cwnd: s.BDP().Cwnd / 4, RTT: path.RTT})
			p := s.Greeted(t, cc, lab.DialSpec{})
			wait := p.Start(6_000_000)
			s.Events.Change(t, p, "filling")
			s.Cut(true)
			out := s.Events.Change(t, p, "normal")
			s.Cut(false)
			check.Same(t, "way out", out.Trigger, "rto")
			check.Same(t, "congestion control", scene.Control(t, p.Server), "resume_"+cc)
			wait(t)
			check.Same(t, "congestion control", scene.Control(t, p.Server), cc)
			p.Reset(t)
			state := scene.StateOf(s.Entry(t, s.Client.IPv4))
			check.Same(t, "entry", state, scene.EntryState{State: pathstore.StateFree, Uses: 1})
		})
	}
}
