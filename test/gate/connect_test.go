// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/lab"
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
	listener, err := s.Server.Listen(background(t), listen)
	must(t, err)
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
	client, err := s.Client.Dial(background(t), dial)
	must(t, err)
	t.Cleanup(func() { abort(client) })
	if dial.FastOpen { // the SYN leaves with the first data
		_, err = client.Write([]byte("?"))
		must(t, err)
	}
	return pair{client, accept(t, listener)}
}

func accept(t testing.TB, listener net.Listener) *net.TCPConn {
	t.Helper()
	must(t, listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	conn, err := listener.Accept()
	must(t, err)
	t.Cleanup(func() { abort(conn.(*net.TCPConn)) })
	return conn.(*net.TCPConn)
}

// reset ends the connection in the kernel at once.
func (p pair) reset(t testing.TB) {
	t.Helper()
	must(t, abort(p.server))
	must(t, abort(p.client))
}

// abort leaves the kernel nothing to retransmit, and so to count, later.
func abort(conn *net.TCPConn) error {
	return errors.Join(conn.SetLinger(0), conn.Close())
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
	must(t, err)
	must(t, <-sent)
	eventually(t, "all ACKs", func() bool { return info(t, p.server).Unacked == 0 })
}

func info(t testing.TB, conn *net.TCPConn) unix.TCPInfo {
	t.Helper()
	info, err := lab.TCPInfo(conn)
	must(t, err)
	return info
}

func mss(t testing.TB, conn *net.TCPConn) int { return int(info(t, conn).Snd_mss) }

// control is the name of the congestion control of a socket.
func control(t testing.TB, conn *net.TCPConn) string {
	t.Helper()
	var name string
	must(t, lab.Control(conn, func(fd int) (err error) {
		name, err = lab.CongestionControl(fd)
		return err
	}))
	return name
}

func setControl(t testing.TB, conn *net.TCPConn, name string) {
	t.Helper()
	must(t, lab.Control(conn, func(fd int) error {
		return unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, name)
	}))
}

// windows are what a stored path decides, in segments.
type windows struct{ Cwnd, Ssthresh uint32 }

var cold = windows{10, lab.InfiniteSsthresh}

func windowsOf(t testing.TB, conn *net.TCPConn) windows {
	t.Helper()
	info := info(t, conn)
	return windows{info.Snd_cwnd, info.Snd_ssthresh}
}
