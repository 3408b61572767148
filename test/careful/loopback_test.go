// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// Whatever is stored for them: no connection of a machine to itself resumes carefully or teaches.
func TestLoopbackIsLeftAlone(t *testing.T) {
	for _, peer := range []string{"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"} {
		t.Run(peer, func(t *testing.T) {
			s := newStage(t, scene.MidPath)
			addr := netip.MustParseAddr(peer)
			saved := resume.Path{Peer: addr, Cwnd: 500_000, RTT: 40 * time.Millisecond}
			s.Put(t, saved)
			p := s.itself(t, addr)
			p.Send(t, 2_000_000)
			p.Reset(t)
			s.Counted(t, map[string]uint64{"established": 1, "short_path": 1, "resumed": 0, "learnt": 0, "learnt_too_small": 0})

			saved.Mode = resume.ModeExact
			s.Put(t, saved)
			s.itself(t, addr).Reset(t)
			s.Counted(t, map[string]uint64{"established": 1, "resumed": 1})
		})
	}
}

// itself connects the server to itself, by a socket of IPv6 where the address is one or is mapped.
func (s *stage) itself(t *testing.T, peer netip.Addr) *scene.Pair {
	t.Helper()
	network := "tcp"
	to := peer
	if peer.Is4() {
		network, to = "tcp4", netip.MustParseAddr("127.0.0.1")
	}
	listener, err := s.Server.Listen(check.Background(t), lab.ListenSpec{Network: network, CC: "cubic", Cgroup: s.Rig.Cgroup})
	check.Must(t, err)
	defer listener.Close()
	client, err := s.Server.Dial(check.Background(t), lab.DialSpec{Addr: netip.AddrPortFrom(to.Unmap(), portOf(listener)), Local: peer.Unmap()})
	check.Must(t, err)
	server, err := listener.Accept()
	check.Must(t, err)
	t.Cleanup(func() { scene.Abort(client); scene.Abort(server.(*net.TCPConn)) })
	return &scene.Pair{Client: client, Server: server.(*net.TCPConn)}
}
