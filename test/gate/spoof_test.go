// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// Without cookies anybody can have a Fast Open connection accepted in anybody's
// name. Whoever does not complete the handshake gets nothing of the path, and
// the peer whose name it was keeps all of it.
func TestASpoofedSYNCostsNothing(t *testing.T) {
	const withoutCookies = "519" // TFO_SERVER_ENABLE, TFO_CLIENT_ENABLE, TFO_CLIENT_NO_COOKIE, TFO_SERVER_COOKIE_NOT_REQD
	for _, mode := range []resume.Mode{resume.ModeExact, resume.ModeCareful} {
		for _, ipv6 := range []bool{false, true} {
			t.Run(string(mode)+" "+s6(ipv6), func(t *testing.T) {
				s := newStage(t, shortPath)
				peer := s.Client.Addr(ipv6)
				s.put(t, resume.Path{Peer: peer, Cwnd: 200_000, RTT: shortPath.RTT, Mode: mode})
				listener := s.listen(t, lab.ListenSpec{FastOpen: true, Cgroup: loaded.Cgroup})
				for _, host := range []*lab.Host{s.Client, s.Server} {
					check.Must(t, host.Sysctl("net.ipv4.tcp_fastopen", withoutCookies))
				}
				// The client never hears of its connection, as a victim would answer with a reset.
				s.Capture(func(packet lab.Packet) {
					if packet.To.Addr() == peer {
						scene.Lose(packet)
					}
				})
				addr := netip.AddrPortFrom(s.Server.Addr(ipv6), listener.Addr().(*net.TCPAddr).AddrPort().Port())
				client, err := s.Client.Dial(check.Background(t), lab.DialSpec{Addr: addr, FastOpen: true})
				check.Must(t, err)
				defer scene.Abort(client)
				go client.Write([]byte("give me all of it"))
				server := accept(t, listener)
				check.Same(t, "windows", windowsOf(t, server), cold)
				go server.Write(make([]byte, 400_000)) // more than a socket takes that nobody reads from
				check.Eventually(t, patience, "the first window", func() bool { return scene.Info(t, server).Bytes_sent > 0 })
				time.Sleep(20 * time.Millisecond)
				check.Between(t, "segments that left", int(scene.Info(t, server).Data_segs_out), 1, 11) // one may be a retransmission
				s.expect(t, counts{})
				check.Same(t, "entry", stateOf(s.entry(t, peer)), entryState{State: pathstore.StateFree})

				check.Must(t, scene.Abort(server))
				check.Must(t, scene.Abort(client))
				s.Capture(nil)
				s.expect(t, counts{})
				check.Same(t, "entry", stateOf(s.entry(t, peer)), entryState{State: pathstore.StateFree})
				p := s.dial(t, listener, lab.DialSpec{Addr: netip.AddrPortFrom(addr.Addr(), 0), FastOpen: true})
				s.expect(t, resumedOnce) // the peer itself, which answers
				p.reset(t)
			})
		}
	}
}

func s6(ipv6 bool) string {
	if ipv6 {
		return "IPv6"
	}
	return "IPv4"
}
