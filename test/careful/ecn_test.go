// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// One mark is enough.
func TestCongestionMarkIsARetreat(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, host := range []*lab.Host{s.Client, s.Server} {
		check.Must(t, host.Sysctl("net.ipv4.tcp_ecn", "1"))
	}
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			saved := s.BDP()
			saved.Peer = s.Client.IPv6
			check.Must(t, s.Forget(saved.Peer)) // with its retreats
			s.Put(t, saved)
			p := s.Greeted(t, cc, lab.DialSpec{Local: s.Client.IPv6})
			sent, marked := 0, false
			s.Capture(func(packet lab.Packet) {
				if sent += packet.Payload; packet.Payload > 0 && sent > 20_000 && !marked {
					packet.MarkCE()
					marked = true
				}
			})
			defer s.Capture(nil)
			p.Send(t, 1_000_000)
			retreat := s.Events.Change(t, p, "safe_retreat")
			check.Same(t, "trigger", retreat.Trigger, "ecn_ce")
			check.Between(t, "window", retreat.Cwnd, 2, max(uint32(retreat.PipeSize)/2/retreat.MSS, 2))
			check.Same(t, "retransmissions", s.Events.Change(t, p, "normal").Retrans, 0)
			check.Same(t, "entry", s.Entry(t, s.Client.IPv6).State, pathstore.StateSpent)
			p.Reset(t)
		})
	}
}
