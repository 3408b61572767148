// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// A retreat is remembered, whatever is stored of the path afterwards and by
// whom: each halves what the next connection may use, until a use succeeds.
func TestRetreatsHalveWhatTheNextMayUse(t *testing.T) {
	onSides(t, func(t *testing.T, on side, cc string) {
		s := newStage(t, scene.MidPath)
		peer := s.Client.Addr(on.ipv6)
		saved := s.BDP()
		saved.Peer = peer
		saved.Cwnd *= 2 // so that half of half of it is worth a jump
		for n := range uint32(2) {
			s.Put(t, saved)
			check.Same(t, "retreats that are remembered", s.Entry(t, peer).Retreats, n)
			p := s.from(t, on, cc)
			s.Capture(loseOneOf(p))
			wait := p.Start(600_000)
			check.Same(t, "jump", s.Events.Change(t, p, "unvalidated").Jump, saved.Cwnd/2>>n)
			s.Events.Change(t, p, "safe_retreat")
			s.Capture(nil)
			wait(t)
			p.Reset(t)
		}

		// A neighbour behind the same address starts cold and learns.
		neighbour := s.from(t, on, cc)
		neighbour.Send(t, 3_000_000)
		neighbour.Reset(t)
		learnt := s.Entry(t, peer)
		check.Same(t, "source", learnt.Source, resume.SourceLearnt)
		check.Same(t, "retreats that are remembered", learnt.Retreats, 2)

		larger := saved // so that a quarter of half of it is worth a jump
		larger.Cwnd *= 2
		s.Put(t, larger)
		p := s.from(t, on, cc)
		p.Send(t, 3_000_000)
		check.Same(t, "jump", s.Events.Change(t, p, "unvalidated").Jump, larger.Cwnd/2>>2)
		p.Reset(t)
		check.Same(t, "retreats after a success", s.Entry(t, peer).Retreats, 0)
	})
}

func TestRetreatsHalveTheWindowOfExact(t *testing.T) {
	const segments = 160
	for _, sharing := range []resume.Sharing{resume.SharingSingle, resume.SharingShared} {
		for _, cc := range scene.Controls {
			t.Run(string(sharing)+" "+cc, func(t *testing.T) {
				s := newStage(t, scene.MidPath)
				saved := resume.Path{Cwnd: segments * 1448, RTT: s.Path().RTT, Mode: resume.ModeExact, Sharing: sharing}
				window := func(want uint32) *scene.Pair {
					p := s.Open(t, cc, lab.DialSpec{})
					check.Same(t, "window", scene.Info(t, p.Server).Snd_cwnd, want)
					return p
				}
				for n := range 6 {
					s.Put(t, saved)
					size := max(segments>>n, 10) // no further than to where all start
					p := window(uint32(size))
					s.Capture(loseOneOf(p))
					wait := p.Start(size * 1448 * 5 / 4)
					check.Eventually(t, scene.Patience, "a loss", func() bool {
						story := s.Events.Story(p)
						return len(story) > 0
					})
					s.Capture(nil)
					wait(t)
					p.Reset(t)
					check.Same(t, "retreats", s.Entry(t, s.Client.IPv4).Retreats, uint32(n+1))
				}
				s.Put(t, saved)
				p := window(10)
				p.Send(t, 300_000)
				check.Same(t, "story", s.Events.Story(p)[0][len("exact, "):][:3], map[bool]string{false: "nor", true: "fil"}[cc == "bbr"])
				p.Reset(t)
				check.Same(t, "retreats after a success", s.Entry(t, s.Client.IPv4).Retreats, 0)
				s.Put(t, saved)
				window(segments).Reset(t)
			})
		}
	}
}

// loseOneOf loses one packet from the middle of what the server sends from now on.
func loseOneOf(p *scene.Pair) func(lab.Packet) {
	port, sent, lost := p.ClientPort(), 0, false
	return func(packet lab.Packet) {
		if packet.Payload == 0 || packet.To.Port() != port || lost {
			return
		}
		if sent += packet.Payload; sent > 7_000 {
			scene.Lose(packet)
			lost = true
		}
	}
}

// Loopback, and paths so short that a round trip is over before it counts, gain
// nothing. An operator who wants the window there all the same has mode exact.
func TestShortPathsAreLeftAlone(t *testing.T) {
	short := lab.Path{Rate: 200e6, RTT: 0, Queue: 1 << 20}
	for _, on := range sides() {
		t.Run(on.String(), func(t *testing.T) {
			s := newStage(t, short)
			peer := s.Client.Addr(on.ipv6)
			p := s.from(t, on, "cubic")
			p.Send(t, 6_000_000)
			p.Reset(t)
			s.Counted(t, map[string]uint64{"learnt": 0, "learnt_short_path": 1})

			saved := resume.Path{Peer: peer, Cwnd: 500_000, RTT: 1900_000}
			s.Put(t, saved)
			p = s.from(t, on, "cubic")
			p.Send(t, 200_000)
			s.Ended(t, p)
			s.Counted(t, map[string]uint64{"short_path": 1, "resumed": 0})
			check.Same(t, "entry", s.Entry(t, peer).State, pathstore.StateFree)

			saved.Mode = resume.ModeExact
			s.Put(t, saved)
			p = s.from(t, on, "cubic")
			s.Counted(t, map[string]uint64{"short_path": 0, "resumed": 1})
			p.Reset(t)
		})
	}
}
