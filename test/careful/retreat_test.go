// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"fmt"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/lab"
)

var shallow = lab.Path{RTT: 40 * time.Millisecond, Rate: 50e6, Queue: 60_000}

func TestRetreatDeletesTheSet(t *testing.T) {
	s := newStage(t, shallow)
	other := s.bdp()
	other.Peer = netip.MustParseAddr("192.0.2.77")
	s.put(t, other)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			must(t, deleted(s.Client.IPv4))
			s.put(t, s.stale())
			p := s.greeted(t, cc, lab.DialSpec{})
			p.send(t, 1_500_000)
			if n := len(s.Events.story(p)); n < 3 {
				t.Errorf("only %d changes of phase", n)
			}
			s.retreats(t, p)
			same(t, "entry", stateOf(s.entry(t, s.Client.IPv4)), entryState{State: pathstore.StateSpent, Uses: 1, Retreats: 1})
			same(t, "entry of another peer", stateOf(s.entry(t, other.Peer)), entryState{State: pathstore.StateFree})

			next := s.greeted(t, cc, lab.DialSpec{})
			same(t, "congestion control of the next", control(t, next.server), cc)
			next.send(t, 100_000)
			s.ended(t, next)
		})
	}
}

// retreats compares the story of a jump that met a loss, from either phase.
func (s *stage) retreats(t *testing.T, p *pair) {
	t.Helper()
	p.reset(t)
	eventually(t, "event closed", func() bool { return len(s.Events.of(p, "closed")) > 0 })
	story := s.Events.story(p)
	same(t, "story without Validating", slices.DeleteFunc(slices.Clone(story), func(e string) bool {
		return e == validates || e == "validating, safe_retreat: packet_loss" || e == "unvalidated, safe_retreat: packet_loss"
	}), []string{jumps, recovers})
	if !slices.Contains(story, "validating, safe_retreat: packet_loss") && !slices.Contains(story, "unvalidated, safe_retreat: packet_loss") {
		t.Errorf("no retreat in %q", story)
	}
}

func TestRetreatHoldsItsWindow(t *testing.T) {
	s := newStage(t, shallow)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, s.stale())
			p := s.greeted(t, cc, lab.DialSpec{})
			all := p.sampled(t, 1_500_000)
			retreat := s.Events.change(t, p, "safe_retreat")
			exit := s.Events.change(t, p, "normal")
			most := max(uint32(retreat.PipeSize)/2/retreat.MSS, 2)
			n, rate := 0, uint64(0)
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
				if seen.Snd_cwnd > most && !(seen.Total_retrans <= 1 && seen.Snd_cwnd <= inFlight+1) {
					t.Fatalf("window %d %v after the retreat, in flight %d, sent again %d, want at most %d",
						seen.Snd_cwnd, seen.from.Sub(retreat.At), inFlight, seen.Total_retrans, most)
				}
			}
			if n < 10 {
				t.Errorf("only %d samples of %d between the retreat and its end", n, len(all))
			}
			p.reset(t)
		})
	}
}

// RFC 9959 3.5, RFC 6675: the first retransmission does not wait for the flight to drain.
func TestRetreatRepairsAtOnce(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		for name, at := range map[string]func(jump uint32) uint32{
			"first":  func(uint32) uint32 { return prelude },
			"middle": func(jump uint32) uint32 { return prelude + jump/2 },
			"last":   func(jump uint32) uint32 { return prelude + jump - 1500 },
		} {
			t.Run(fmt.Sprintf("%s packet lost, %s", name, cc), func(t *testing.T) {
				saved := s.bdp()
				s.put(t, saved)
				p := s.open(t, cc, lab.DialSpec{})
				lost := s.loseOnce(t, at(uint32(saved.Cwnd/2)))
				p.send(t, prelude)
				wait := p.start(1_500_000)
				retreat := s.Events.change(t, p, "safe_retreat")
				// The event is told in the ACK that repairs, a moment before the packet leaves.
				eventually(t, "a retransmission", func() bool { return s.repaired(t, p) >= 1 })
				wait(t)
				same(t, "lost packets", lost.Load(), 1)
				between(t, "PipeSize", retreat.PipeSize, 0, saved.Cwnd)
				exit := s.Events.change(t, p, "normal")
				between(t, "window at the end", exit.Cwnd, 2, max(uint32(exit.PipeSize)/2/exit.MSS, 2)+1)
				s.retreats(t, p)
				same(t, "entry", s.entry(t, s.Client.IPv4).State, pathstore.StateSpent)
			})
		}
	}
}

// repaired returns the retransmissions well before the flight can drain.
func (s *stage) repaired(t *testing.T, p *pair) uint32 {
	time.Sleep(5 * time.Millisecond)
	return info(t, p.server).Total_retrans
}

func TestTimeoutDeletesTheSet(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, s.bdp())
			p := s.greeted(t, cc, lab.DialSpec{})
			sent := 0
			s.Capture(func(packet lab.Packet) {
				if sent += packet.Payload; sent > 60_000 {
					s.Cut(true) // until the timeout, so no ACK of the jump returns
				}
			})
			wait := p.start(1_000_000)
			timeout := s.Events.change(t, p, "normal")
			s.Capture(nil)
			s.Cut(false)
			between(t, "ssthresh", timeout.Ssthresh, 2, uint32(s.bdp().Cwnd/2/1448))
			wait(t)
			s.ended(t, p, jumps, "unvalidated, normal: rto")
			same(t, "entry", s.entry(t, s.Client.IPv4).State, pathstore.StateSpent)
		})
	}
}
