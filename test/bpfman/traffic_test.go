// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// pair is both ends of a connection.
type pair struct{ client, server *net.TCPConn }

func (m *machine) connect(t testing.TB, ipv6 bool) pair {
	t.Helper()
	listener, err := m.Server.Listen(check.Background(t), lab.ListenSpec{CC: "cubic", Cgroup: m.Cgroup})
	check.Must(t, err)
	defer listener.Close()
	port := listener.Addr().(*net.TCPAddr).AddrPort().Port()
	client, err := m.Client.Dial(check.Background(t), lab.DialSpec{Addr: netip.AddrPortFrom(m.Server.Addr(ipv6), port)})
	check.Must(t, err)
	t.Cleanup(func() { abort(client) })
	check.Must(t, listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	server, err := listener.Accept()
	check.Must(t, err)
	t.Cleanup(func() { abort(server.(*net.TCPConn)) })
	return pair{client, server.(*net.TCPConn)}
}

// abort leaves the kernel nothing to retransmit later.
func abort(conn *net.TCPConn) { _ = errors.Join(conn.SetLinger(0), conn.Close()) }

// start is what a connection started with.
type start struct {
	Window  int // bytes, whole segments
	Control string
}

func (p pair) start(t testing.TB) start {
	t.Helper()
	info, err := lab.TCPInfo(p.server)
	check.Must(t, err)
	s := start{Window: int(info.Snd_cwnd * info.Snd_mss)}
	check.Must(t, lab.Control(p.server, func(fd int) (err error) {
		s.Control, err = lab.CongestionControl(fd)
		return err
	}))
	return s
}

// resumed is the start that a stored window of so many bytes gives.
func (p pair) resumed(t testing.TB, bytes int) start {
	t.Helper()
	mss := p.segment(t)
	return start{bytes / mss * mss, "resume_cubic"}
}

func (p pair) cold(t testing.TB) start { return start{10 * p.segment(t), "cubic"} }

func (p pair) segment(t testing.TB) int {
	t.Helper()
	info, err := lab.TCPInfo(p.server)
	check.Must(t, err)
	return int(info.Snd_mss)
}

// send carries bytes from server to client.
func (p pair) send(t testing.TB, bytes int64) {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		_, err := p.server.Write(make([]byte, bytes))
		sent <- err
	}()
	_, err := io.CopyN(io.Discard, p.client, bytes)
	check.Must(t, errors.Join(err, <-sent))
}
