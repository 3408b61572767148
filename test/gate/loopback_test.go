// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"net"
	"net/netip"
	"testing"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// The loopback device of a namespace gives what the path cannot: any number of
// peers, thousands of connections a second, and handshakes that run on the
// processor of whoever connects, so that two of them really meet.

var loopback = netip.MustParseAddr("127.0.0.1")

// loopbackListener listens inside the server for connections from the server itself.
func (s *stage) loopbackListener(t testing.TB) net.Listener {
	t.Helper()
	return s.listen(t, lab.ListenSpec{Cgroup: loaded.Cgroup})
}

// dialLoopback connects the server to itself, from peer to addr.
func (s *stage) dialLoopback(t testing.TB, listener net.Listener, peer, addr netip.Addr) pair {
	t.Helper()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	client, err := s.Server.Dial(check.Background(t), lab.DialSpec{Addr: netip.AddrPortFrom(addr, port), Local: peer})
	check.Must(t, err)
	conn, err := listener.Accept()
	check.Must(t, err)
	return pair{client, conn.(*net.TCPConn)}
}
