// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/lab"
)

// One mark is enough. IPv6, because its header has no checksum to mend.
func TestCongestionMarkIsARetreat(t *testing.T) {
	s := newStage(t, midPath)
	for _, host := range []*lab.Host{s.Client, s.Server} {
		must(t, host.Sysctl("net.ipv4.tcp_ecn", "1"))
	}
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			saved := s.bdp()
			saved.Peer = s.Client.IPv6
			s.put(t, saved)
			p := s.greeted(t, cc, lab.DialSpec{Local: s.Client.IPv6})
			sent, marked := 0, false
			s.Capture(func(packet lab.Packet) {
				if sent += packet.Payload; packet.Payload > 0 && sent > 20_000 && !marked {
					packet.Raw[1] |= 3 << 4
					marked = true
				}
			})
			defer s.Capture(nil)
			p.send(t, 1_000_000)
			retreat := s.Events.change(t, p, "safe_retreat")
			same(t, "trigger", retreat.Trigger, "ecn_ce")
			between(t, "window", retreat.Cwnd, 2, max(uint32(retreat.PipeSize)/2/retreat.MSS, 2))
			same(t, "retransmissions", s.Events.change(t, p, "normal").Retrans, 0)
			same(t, "entry", s.entry(t, s.Client.IPv6).State, pathstore.StateSpent)
			p.reset(t)
		})
	}
}
