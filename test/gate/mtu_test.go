// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// Timestamps take 12 of the bytes that an MSS option announces, so segments are
// counted by what the socket really sends.
func TestStoredBytesBecomeSegmentsOfThisSocket(t *testing.T) {
	for _, mtu := range []int{1280, 1500, 9000} {
		for name, c := range map[string]struct {
			headers int
			end     func(*lab.Host) netip.Addr
		}{
			"IPv4": {20 + 20 + 12, func(h *lab.Host) netip.Addr { return h.IPv4 }},
			"IPv6": {40 + 20 + 12, func(h *lab.Host) netip.Addr { return h.IPv6 }},
		} {
			t.Run(fmt.Sprintf("%s, MTU %d", name, mtu), func(t *testing.T) {
				path := shortPath
				path.MTU = mtu
				s := newStage(t, path)
				s.put(t, resume.Path{Peer: c.end(s.Client), Cwnd: 200_000, Ssthresh: 400_000})
				p := s.connect(t, lab.ListenSpec{}, lab.DialSpec{Addr: netip.AddrPortFrom(c.end(s.Server), 0)})
				segment := mtu - c.headers
				check.Same(t, "MSS", mss(t, p.server), segment)
				check.Same(t, "windows", windowsOf(t, p.server), windows{uint32(200_000 / segment), uint32(400_000 / segment)})
				s.expect(t, resumedOnce)
			})
		}
	}
}
