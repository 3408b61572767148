// SPDX-License-Identifier: Apache-2.0

package scene

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

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// Prelude is a TLS-like first answer: the initial data of RFC 9959 that is acknowledged before the
// response. Ten segments, because so many are never paced by the stack.
const Prelude = 14_000

var payload = func() []byte {
	b := make([]byte, 251*1000)
	for i := range b {
		b[i] = byte(i % 251)
	}
	return b
}()

// Pair is both ends of a connection; the server is the end that sends and may jump.
type Pair struct {
	Client, Server *net.TCPConn
	Cookie         uint64
	read           int // by the client
	written        int
}

// Open connects to a server in the cgroup.
func (s *Stage) Open(t testing.TB, cc string, dial lab.DialSpec) *Pair {
	t.Helper()
	return s.Connect(t, lab.ListenSpec{CC: cc, Cgroup: s.Rig.Cgroup}, dial)
}

// Connect has the server accept one connection.
func (s *Stage) Connect(t testing.TB, listen lab.ListenSpec, dial lab.DialSpec) *Pair {
	t.Helper()
	listener, err := s.Server.Listen(check.Background(t), listen)
	check.Must(t, err)
	defer listener.Close()
	addr := s.Server.IPv4
	if dial.Local.Is6() {
		addr = s.Server.IPv6
	}
	dial.Addr = netip.AddrPortFrom(addr, listener.Addr().(*net.TCPAddr).AddrPort().Port())
	client, err := s.Client.Dial(check.Background(t), dial)
	check.Must(t, err)
	return s.pair(t, listener, client, dial.Cgroup != nil)
}

// pair accepts the other end of a connection; the one that connected sends, or the one that accepts.
func (s *Stage) pair(t testing.TB, listener net.Listener, connected *net.TCPConn, sends bool) *Pair {
	t.Helper()
	check.Must(t, listener.(*net.TCPListener).SetDeadline(time.Now().Add(Patience)))
	accepted, err := listener.Accept()
	check.Must(t, err)
	p := &Pair{Client: connected, Server: accepted.(*net.TCPConn)}
	if sends {
		p.Client, p.Server = p.Server, p.Client
	}
	t.Cleanup(func() { Abort(p.Client); Abort(p.Server) })
	check.Must(t, lab.Control(p.Server, func(fd int) (err error) {
		p.Cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_COOKIE)
		return err
	}))
	return p
}

// Outbound has the server connect to the client; the end that connects is the one that sends.
func (s *Stage) Outbound(t testing.TB, cc string, ipv6 bool) *Pair {
	t.Helper()
	listener, err := s.Client.Listen(check.Background(t), lab.ListenSpec{})
	check.Must(t, err)
	defer listener.Close()
	to := netip.AddrPortFrom(s.Client.Addr(ipv6), listener.Addr().(*net.TCPAddr).AddrPort().Port())
	server, err := s.Server.Dial(check.Background(t), lab.DialSpec{Addr: to, CC: cc, Cgroup: s.Rig.Cgroup})
	check.Must(t, err)
	return s.pair(t, listener, server, true)
}

// Greeted is open and has its initial data acknowledged.
func (s *Stage) Greeted(t testing.TB, cc string, dial lab.DialSpec) *Pair {
	t.Helper()
	p := s.Open(t, cc, dial)
	p.Send(t, Prelude)
	return p
}

// Start writes and reads size bytes; the returned function waits for their end
// and that they arrived as they were written.
func (p *Pair) Start(size int) (wait func(testing.TB)) {
	done := make(chan error, 2)
	from := p.written
	p.written += size
	go func() {
		for at := from; at < from+size; {
			begin := at % 251
			n := min(from+size-at, len(payload)-begin)
			if _, err := p.Server.Write(payload[begin : begin+n]); err != nil {
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
		check.Must(t, errors.Join(<-done, <-done))
		check.Eventually(t, Patience, "all ACKs", func() bool { return Info(t, p.Server).Unacked == 0 })
	}
}

// Messages writes n messages of size bytes, each a segment of its own, one each
// interval or as near to it as the machine comes; the returned function waits as
// that of Start does.
func (p *Pair) Messages(n, size int, interval time.Duration) (wait func(testing.TB)) {
	done := make(chan error, 2)
	from := p.written
	p.written += n * size
	go func() {
		for i := range n {
			time.Sleep(interval)
			at := (from + i*size) % 251
			if err := p.message(payload[at : at+size]); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	go func() { done <- p.receive(n * size) }()
	return p.waiter(done)
}

// message sends what the kernel joins with nothing that it still holds back.
func (p *Pair) message(text []byte) error {
	raw, err := p.Server.SyscallConn()
	if err != nil {
		return err
	}
	var refused error
	err = raw.Write(func(fd uintptr) bool {
		refused = unix.Sendmsg(int(fd), text, nil, nil, unix.MSG_EOR|unix.MSG_DONTWAIT)
		return refused != unix.EAGAIN
	})
	return errors.Join(err, refused)
}

func (p *Pair) waiter(done <-chan error) func(testing.TB) {
	return func(t testing.TB) {
		t.Helper()
		check.Must(t, errors.Join(<-done, <-done))
		check.Eventually(t, Patience, "all ACKs", func() bool { return Info(t, p.Server).Unacked == 0 })
	}
}

func (p *Pair) receive(size int) error {
	buffer := make([]byte, 64<<10)
	for end := p.read + size; p.read < end; {
		n, err := p.Client.Read(buffer[:min(len(buffer), end-p.read)])
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

// Send waits until size bytes have arrived and are acknowledged.
func (p *Pair) Send(t testing.TB, size int) {
	t.Helper()
	p.Start(size)(t)
}

// Reset ends the connection in the kernel at once, and leaves it nothing to
// retransmit, and so to count, later.
func (p *Pair) Reset(t testing.TB) {
	t.Helper()
	check.Must(t, Abort(p.Server))
	check.Must(t, Abort(p.Client))
}

// Abort closes with a reset.
func Abort(conn *net.TCPConn) error { return errors.Join(conn.SetLinger(0), conn.Close()) }

// Info is TCP_INFO.
func Info(t testing.TB, conn *net.TCPConn) unix.TCPInfo {
	t.Helper()
	info, err := lab.TCPInfo(conn)
	check.Must(t, err)
	return info
}

// Control is the name of the congestion control of a socket.
func Control(t testing.TB, conn *net.TCPConn) (name string) {
	t.Helper()
	check.Must(t, lab.Control(conn, func(fd int) (err error) {
		name, err = lab.CongestionControl(fd)
		return err
	}))
	return name
}

// ClientPort is the client's port.
func (p *Pair) ClientPort() uint16 { return p.Client.LocalAddr().(*net.TCPAddr).AddrPort().Port() }
