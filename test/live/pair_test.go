// SPDX-License-Identifier: Apache-2.0

package live

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/lab"
)

// prelude is a TLS-like first answer: the initial data of RFC 9959 that is acknowledged before the
// response. Ten segments, because so many are never paced by the stack.
const prelude = 14_000

var payload = func() []byte {
	b := make([]byte, 251*1000)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}()

// pair is both ends of a connection; the server is the end that sends and may jump.
type pair struct {
	client, server *net.TCPConn
	cookie         uint64
	read           int // by the client
	written        int
}

// open connects to a server in the cgroup.
func (s *stage) open(t testing.TB, cc string, dial lab.DialSpec) *pair {
	t.Helper()
	return s.connect(t, lab.ListenSpec{CC: cc, Cgroup: loaded.Cgroup}, dial)
}

func (s *stage) connect(t testing.TB, listen lab.ListenSpec, dial lab.DialSpec) *pair {
	t.Helper()
	listener, err := s.Server.Listen(background(t), listen)
	must(t, err)
	defer listener.Close()
	addr := s.Server.IPv4
	if dial.Local.Is6() {
		addr = s.Server.IPv6
	}
	dial.Addr = netip.AddrPortFrom(addr, listener.Addr().(*net.TCPAddr).AddrPort().Port())
	client, err := s.Client.Dial(background(t), dial)
	must(t, err)
	must(t, listener.(*net.TCPListener).SetDeadline(time.Now().Add(patience)))
	server, err := listener.Accept()
	must(t, err)
	p := &pair{client: client, server: server.(*net.TCPConn)}
	if dial.Cgroup != nil {
		p.client, p.server = p.server, p.client // the end that connects is the one that sends
	}
	t.Cleanup(func() { abort(p.client); abort(p.server) })
	must(t, lab.Control(p.server, func(fd int) (err error) {
		p.cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
		return err
	}))
	return p
}

// greeted is open and has its initial data acknowledged.
func (s *stage) greeted(t testing.TB, cc string, dial lab.DialSpec) *pair {
	t.Helper()
	p := s.open(t, cc, dial)
	p.send(t, prelude)
	return p
}

// start writes and reads size bytes; the returned function waits for their end
// and that they arrived as they were written.
func (p *pair) start(size int) (wait func(testing.TB)) {
	done := make(chan error, 2)
	from := p.written
	p.written += size
	go func() {
		for at := from; at < from+size; {
			begin := at % 251
			n := min(from+size-at, len(payload)-begin)
			if _, err := p.server.Write(payload[begin : begin+n]); err != nil {
				done <- err
				return
			}
			at += n
		}
		done <- nil
	}()
	go func() { done <- p.receive(size) }()
	return func(t testing.TB) {
		t.Helper()
		must(t, errors.Join(<-done, <-done))
		eventually(t, "all ACKs", func() bool { return info(t, p.server).Unacked == 0 })
	}
}

func (p *pair) receive(size int) error {
	buffer := make([]byte, 64<<10)
	for end := p.read + size; p.read < end; {
		n, err := p.client.Read(buffer[:min(len(buffer), end-p.read)])
		if begin := p.read % 251; !bytes.Equal(buffer[:n], payload[begin:begin+n]) {
			return fmt.Errorf("bytes %d to %d are not what was written", p.read, p.read+n)
		}
		p.read += n
		if err != nil && !(errors.Is(err, io.EOF) && p.read == end) {
			return err
		}
	}
	return nil
}

func (p *pair) send(t testing.TB, size int) {
	t.Helper()
	p.start(size)(t)
}

// reset ends the connection in the kernel at once, and leaves it nothing to
// retransmit, and so to count, later.
func (p *pair) reset(t testing.TB) {
	t.Helper()
	must(t, abort(p.server))
	must(t, abort(p.client))
}

func abort(conn *net.TCPConn) error { return errors.Join(conn.SetLinger(0), conn.Close()) }

func info(t testing.TB, conn *net.TCPConn) unix.TCPInfo {
	t.Helper()
	info, err := lab.TCPInfo(conn)
	must(t, err)
	return info
}

// control is the name of the congestion control of a socket.
func control(t testing.TB, conn *net.TCPConn) (name string) {
	t.Helper()
	must(t, lab.Control(conn, func(fd int) (err error) {
		name, err = lab.CongestionControl(fd)
		return err
	}))
	return name
}

// clientPort is the client's port.
func clientPort(p *pair) uint16 { return p.client.LocalAddr().(*net.TCPAddr).AddrPort().Port() }
