// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"io"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// handback_failed is not reachable from outside: it takes a kernel that loses
// the socket's own congestion control while the socket lives.
func TestCongestionEndsTheResume(t *testing.T) {
	for outcome, provoke := range map[string]func(*testing.T, *stage, pair){
		"packet_loss": loseOnePacket,
		"rto":         loseEverything,
		"ecn_ce":      markEverything,
	} {
		for cc, c := range controls {
			t.Run(outcome+" "+cc, func(t *testing.T) {
				s := newStage(t, shortPath)
				for _, host := range []*lab.Host{s.Client, s.Server} {
					check.Must(t, host.Sysctl("net.ipv4.tcp_ecn", "1"))
				}
				s.put(t, resume.Path{Cwnd: 300_000, Ssthresh: 600_000})
				p := s.connect(t, lab.ListenSpec{CC: cc}, lab.DialSpec{})
				s.expect(t, resumedOnce.plus(c.resumed))
				provoke(t, s, p)
				p.send(t, enough)

				s.expect(t, counts{outcome: 1}.plus(c.ended))
				check.Same(t, "congestion control", scene.Control(t, p.server), c.own)
				check.Same(t, "pacing", pacingStatus(t, s.Server, p.server), c.status)
				p.reset(t)
				s.expect(t, closedWiser)
			})
		}
	}
}

func loseOnePacket(t *testing.T, s *stage, p pair) {
	s.lose(t, p, 1000)
	s.Cut(false)
	write(t, p, 100_000)
	drain(t, p, 101_000)
}

func loseEverything(t *testing.T, s *stage, p pair) {
	s.lose(t, p, 10_000)
	check.Eventually(t, patience, "a retransmission timeout", func() bool { return s.read(t)["rto"] > s.seen["rto"] })
	s.Cut(false)
	write(t, p, 50_000)
	drain(t, p, 60_000)
}

func markEverything(t *testing.T, s *stage, p pair) {
	s.Capture(lab.Packet.MarkCE)
	p.send(t, 100_000)
	s.Capture(nil)
}

// lose cuts the path and waits until bytes have been lost on it.
func (s *stage) lose(t *testing.T, p pair, bytes int) {
	t.Helper()
	before := s.Stats().ToClient.CutDrops
	s.Cut(true)
	write(t, p, bytes)
	check.Eventually(t, patience, "lost packets", func() bool { return s.Stats().ToClient.CutDrops > before })
}

func write(t testing.TB, p pair, bytes int) {
	t.Helper()
	_, err := p.server.Write(make([]byte, bytes))
	check.Must(t, err)
}

func drain(t testing.TB, p pair, bytes int64) {
	t.Helper()
	_, err := io.CopyN(io.Discard, p.client, bytes)
	check.Must(t, err)
}
