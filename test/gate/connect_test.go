// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// pair is both ends of a connection.
type pair struct{ client, server *net.TCPConn }

// connect opens a connection whose server side the gate sees; cubic unless the
// specification says otherwise.
func (s *stage) connect(t testing.TB, listen lab.ListenSpec, dial lab.DialSpec) pair {
	t.Helper()
	listen.Cgroup = loaded.Cgroup
	return s.open(t, listen, dial)
}

// open leaves it to the caller which end is in the cgroup.
func (s *stage) open(t testing.TB, listen lab.ListenSpec, dial lab.DialSpec) pair {
	t.Helper()
	listener := s.listen(t, listen)
	defer listener.Close()
	return s.dial(t, listener, dial)
}

func (s *stage) listen(t testing.TB, listen lab.ListenSpec) net.Listener {
	t.Helper()
	if listen.CC == "" {
		listen.CC = "cubic"
	}
	listener, err := s.Server.Listen(check.Background(t), listen)
	check.Must(t, err)
	t.Cleanup(func() { listener.Close() })
	return listener
}

func (s *stage) dial(t testing.TB, listener net.Listener, dial lab.DialSpec) pair {
	t.Helper()
	addr := dial.Addr.Addr()
	if !addr.IsValid() {
		addr = s.Server.IPv4
	}
	dial.Addr = netip.AddrPortFrom(addr, listener.Addr().(*net.TCPAddr).AddrPort().Port())
	client, err := s.Client.Dial(check.Background(t), dial)
	check.Must(t, err)
	t.Cleanup(func() { scene.Abort(client) })
	if dial.FastOpen { // the SYN leaves with the first data
		_, err = client.Write([]byte("?"))
		check.Must(t, err)
	}
	return pair{client, accept(t, listener)}
}

func accept(t testing.TB, listener net.Listener) *net.TCPConn {
	t.Helper()
	check.Must(t, listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	conn, err := listener.Accept()
	check.Must(t, err)
	t.Cleanup(func() { scene.Abort(conn.(*net.TCPConn)) })
	return conn.(*net.TCPConn)
}

// reset ends the connection in the kernel at once.
func (p pair) reset(t testing.TB) {
	t.Helper()
	check.Must(t, scene.Abort(p.server))
	check.Must(t, scene.Abort(p.client))
}

// send carries bytes from server to client, and their ACKs back.
func (p pair) send(t testing.TB, bytes int) {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := p.server.Write(make([]byte, bytes))
		sent <- err
	}()
	_, err := io.CopyN(io.Discard, p.client, int64(bytes))
	check.Must(t, err)
	check.Must(t, <-sent)
	check.Eventually(t, patience, "all ACKs", func() bool { return scene.Info(t, p.server).Unacked == 0 })
}

func mss(t testing.TB, conn *net.TCPConn) int { return int(scene.Info(t, conn).Snd_mss) }

func setControl(t testing.TB, conn *net.TCPConn, name string) {
	t.Helper()
	check.Must(t, lab.Control(conn, func(fd int) error {
		return unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
	}))
}

// windows are what a stored path decides, in segments.
type windows struct{ Cwnd, Ssthresh uint32 }

var cold = windows{10, lab.InfiniteSsthresh}

func windowsOf(t testing.TB, conn *net.TCPConn) windows {
	t.Helper()
	info := scene.Info(t, conn)
	return windows{info.Snd_cwnd, info.Snd_ssthresh}
}
