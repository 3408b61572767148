// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

func TestRetreatDeletesTheSet(t *testing.T) {
	s := newStage(t, scene.Shallow)
	other := s.BDP()
	other.Peer = netip.MustParseAddr("192.0.2.77")
	s.Put(t, other)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			s.Put(t, s.Stale())
			p := s.Greeted(t, cc, lab.DialSpec{})
			p.Send(t, 1_500_000)
			if n := len(s.Events.Story(p)); n < 3 {
				t.Errorf("only %d changes of phase", n)
			}
			check.Same(t, "entry", scene.StateOf(s.Entry(t, s.Client.IPv4)), scene.EntryState{State: pathstore.StateSpent, Uses: 1, Retreats: 1})
			check.Same(t, "entry of another peer", scene.StateOf(s.Entry(t, other.Peer)), scene.EntryState{State: pathstore.StateFree})

			next := s.Greeted(t, cc, lab.DialSpec{})
			check.Same(t, "congestion control of the next", scene.Control(t, next.Server), cc)
			next.Send(t, 100_000)
			s.Ended(t, next)
			s.retreats(t, p)
		})
	}
}

// retreats compares the story of a jump that met a loss, from either phase.
func (s *stage) retreats(t *testing.T, p *scene.Pair) {
	t.Helper()
	p.Reset(t)
	check.Eventually(t, scene.Patience, "event closed", func() bool { return len(s.Events.Of(p, "closed")) > 0 })
	story := s.Events.Story(p)
	check.Same(t, "story without Validating", slices.DeleteFunc(slices.Clone(story), func(e string) bool {
		return e == validates || e == "validating, safe_retreat: packet_loss" || e == "unvalidated, safe_retreat: packet_loss"
	}), []string{jumps, recovers})
	if !slices.Contains(story, "validating, safe_retreat: packet_loss") && !slices.Contains(story, "unvalidated, safe_retreat: packet_loss") {
		t.Errorf("no retreat in %q", story)
	}
}

func TestRetreatHoldsItsWindow(t *testing.T) {
	s := newStage(t, scene.Shallow)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4)) // with its retreats
			s.Put(t, s.Stale())
			p := s.Greeted(t, cc, lab.DialSpec{})
			all := sampled(t, p, 1_500_000)
			retreat := s.Events.Change(t, p, "safe_retreat")
			exit := s.Events.Change(t, p, "normal")
			most := max(uint32(retreat.PipeSize)/2/retreat.MSS, 2)
			n, over, rate := 0, 0, uint64(0)
			for _, seen := range all {
				if !seen.from.After(retreat.At) || !seen.to.Before(exit.At) {
					continue
				}
				if n++; n == 1 {
					rate = seen.Pacing_rate
				}
				if cc == "bbr" && seen.Pacing_rate > rate { // appendix C: what Drain samples is discarded
					t.Fatalf("pacing rate %d %v after the retreat, %d at first", seen.Pacing_rate, seen.from.Sub(retreat.At), rate)
				}
				inFlight := seen.Unacked - seen.Sacked - seen.Lost + seen.Retrans
				if seen.Snd_cwnd <= most || seen.Total_retrans <= 1 && seen.Snd_cwnd <= inFlight+1 {
					over = 0
				} else if over++; over > 1 { // TCP_INFO reads the window without the lock, and may meet an ACK between PRR and us
					t.Fatalf("window %d %v after the retreat, in flight %d, sent again %d, want at most %d",
						seen.Snd_cwnd, seen.from.Sub(retreat.At), inFlight, seen.Total_retrans, most)
				}
			}
			if n < 10 {
				t.Errorf("only %d samples of %d between the retreat and its end", n, len(all))
			}
			p.Reset(t)
		})
	}
}

// RFC 9959 3.5, RFC 6675: the first retransmission does not wait for the flight to drain.
func TestRetreatRepairsAtOnce(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		for name, at := range map[string]func(jump uint32) uint32{
			"first":  func(uint32) uint32 { return scene.Prelude },
			"middle": func(jump uint32) uint32 { return scene.Prelude + jump/2 },
			"last":   func(jump uint32) uint32 { return scene.Prelude + jump - 1500 },
		} {
			t.Run(fmt.Sprintf("%s packet lost, %s", name, cc), func(t *testing.T) {
				check.Must(t, s.Forget(s.Client.IPv4)) // with its retreats
				saved := s.BDP()
				s.Put(t, saved)
				p := s.Open(t, cc, lab.DialSpec{})
				lost := s.loseOnce(t, at(uint32(saved.Cwnd/2)))
				p.Send(t, scene.Prelude)
				wait := p.Start(1_500_000)
				retreat := s.Events.Change(t, p, "safe_retreat")
				// The event is told in the ACK that repairs, a moment before the packet leaves.
				check.Eventually(t, scene.Patience, "a retransmission", func() bool { return s.repaired(t, p) >= 1 })
				wait(t)
				check.Same(t, "lost packets", lost.Load(), 1)
				check.Between(t, "PipeSize", retreat.PipeSize, 0, saved.Cwnd)
				exit := s.Events.Change(t, p, "normal")
				check.Between(t, "window at the end", exit.Cwnd, 2, max(uint32(exit.PipeSize)/2/exit.MSS, 2)+1)
				check.Same(t, "entry", s.Entry(t, s.Client.IPv4).State, pathstore.StateSpent)
				s.retreats(t, p)
			})
		}
	}
}

// repaired returns the retransmissions well before the flight can drain.
func (s *stage) repaired(t *testing.T, p *scene.Pair) uint32 {
	time.Sleep(5 * time.Millisecond)
	return scene.Info(t, p.Server).Total_retrans
}

func TestTimeoutDeletesTheSet(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4)) // with its retreats
			s.Put(t, s.BDP())
			p := s.Greeted(t, cc, lab.DialSpec{})
			sent := 0
			s.Capture(func(packet lab.Packet) {
				if sent += packet.Payload; sent > 60_000 {
					s.Cut(true) // until the timeout, so no ACK of the jump returns
				}
			})
			wait := p.Start(1_000_000)
			timeout := s.Events.Change(t, p, "normal")
			s.Capture(nil)
			s.Cut(false)
			check.Between(t, "ssthresh", timeout.Ssthresh, 2, uint32(s.BDP().Cwnd/2/1448))
			wait(t)
			check.Same(t, "entry", s.Entry(t, s.Client.IPv4).State, pathstore.StateSpent)
			s.Ended(t, p, jumps, "unvalidated, normal: rto")
		})
	}
}
