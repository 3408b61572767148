// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"errors"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// One socket, connected to A, disconnected and used again: what it saw of A is
// A's, however the second use begins and ends.
func TestASocketUsedTwiceTeachesOnlyWhatItSaw(t *testing.T) {
	for end, open := range ends {
		for _, ipv6 := range []bool{false, true} {
			for name, use := range map[string]func(*reused, *testing.T){
				"answered":   (*reused).exchange,
				"unanswered": (*reused).unanswered,
				"listening":  (*reused).listen,
			} {
				t.Run(end+" "+family(ipv6)+" "+name, func(t *testing.T) {
					r := newReused(t, ipv6)
					r.fd = open(r, t)
					r.upload(t, 6_000_000)
					check.Must(t, disconnect(r.fd))
					r.holds(t, r.a) // or the test shows nothing
					use(r, t)
					r.holds(t, r.a)
				})
			}
		}
	}
}

// What was remembered of a resumed connection does not meet the second one either.
func TestASocketUsedTwiceIsTwoConnections(t *testing.T) {
	for end, open := range ends {
		for _, ipv6 := range []bool{false, true} {
			t.Run(end+" "+family(ipv6), func(t *testing.T) {
				r := newReused(t, ipv6)
				saved := r.BDP()
				saved.Peer = r.a
				r.Put(t, saved)
				r.fd = open(r, t)
				r.upload(t, 3_000_000)
				check.Must(t, disconnect(r.fd))
				r.Counted(t, map[string]uint64{"established": 1, "resumed": 1, "closed": 1})
				r.exchange(t)
				r.Counted(t, map[string]uint64{"established": 1, "resumed": 0, "no_saved_path": 1, "closed": 0})
			})
		}
	}
}

// reused is a socket of the server's, in the cgroup, which first talks to A.
type reused struct {
	*stage
	a, b netip.Addr // of the client
	fd   int
	peer *net.TCPConn // the other end of the first connection
}

func newReused(t *testing.T, ipv6 bool) *reused {
	s := newStage(t, scene.MidPath)
	r := &reused{stage: s, a: s.Client.Addr(ipv6), b: netip.MustParseAddr("203.0.113.7")}
	if ipv6 {
		r.b = netip.MustParseAddr("2001:db8:7::7")
	}
	return r
}

var ends = map[string]func(*reused, *testing.T) int{"active": (*reused).connected, "passive": (*reused).accepted}

func (r *reused) connected(t *testing.T) int {
	t.Helper()
	listener, err := r.Client.Listen(check.Background(t), lab.ListenSpec{})
	check.Must(t, err)
	defer listener.Close()
	domain := unix.AF_INET
	if r.a.Is6() {
		domain = unix.AF_INET6
	}
	var fd int
	check.Must(t, r.Rig.Cgroup.Run(func() error {
		return r.Server.Do(func() (err error) {
			fd, err = unix.Socket(domain, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			return err
		})
	}))
	t.Cleanup(func() { unix.Close(fd) })
	check.Must(t, unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "cubic"))
	check.Must(t, connectTo(fd, netip.AddrPortFrom(r.a, portOf(listener))))
	r.peer = r.acceptedBy(t, listener)
	return fd
}

func (r *reused) accepted(t *testing.T) int {
	t.Helper()
	p := r.Open(t, "cubic", lab.DialSpec{Local: r.a})
	r.peer = p.Client
	file, err := p.Server.File()
	check.Must(t, err)
	t.Cleanup(func() { file.Close() })
	check.Must(t, p.Server.Close()) // the file holds the socket; the runtime's poller has no part in what follows
	fd := int(file.Fd())
	check.Must(t, unix.SetNonblock(fd, false))
	return fd
}

func (r *reused) acceptedBy(t *testing.T, listener net.Listener) *net.TCPConn {
	t.Helper()
	check.Must(t, listener.(*net.TCPListener).SetDeadline(time.Now().Add(scene.Patience)))
	conn, err := listener.Accept()
	check.Must(t, err)
	t.Cleanup(func() { scene.Abort(conn.(*net.TCPConn)) })
	return conn.(*net.TCPConn)
}

// upload sends in two parts, as the first has to be acknowledged before a jump.
func (r *reused) upload(t *testing.T, size int) {
	t.Helper()
	for _, part := range []int{scene.Prelude, size - scene.Prelude} {
		sent := make(chan error, 1)
		go func() { sent <- writeAll(r.fd, make([]byte, part)) }()
		_, err := io.CopyN(io.Discard, r.peer, int64(part))
		check.Must(t, errors.Join(err, <-sent))
		check.Eventually(t, scene.Patience, "all ACKs", func() bool {
			info, err := unix.GetsockoptTCPInfo(r.fd, unix.IPPROTO_TCP, unix.TCP_INFO)
			return err == nil && info.Unacked == 0
		})
	}
}

// exchange connects to B, which reads two bytes.
func (r *reused) exchange(t *testing.T) {
	t.Helper()
	check.Must(t, r.Client.AddAddr(r.b))
	listener, err := r.Client.Listen(check.Background(t), lab.ListenSpec{})
	check.Must(t, err)
	defer listener.Close()
	check.Must(t, connectTo(r.fd, netip.AddrPortFrom(r.b, portOf(listener))))
	r.peer = r.acceptedBy(t, listener)
	check.Must(t, writeAll(r.fd, []byte("hi")))
	_, err = io.CopyN(io.Discard, r.peer, 2)
	check.Must(t, err)
	check.Must(t, disconnect(r.fd))
}

// unanswered connects to B, where nobody is, and gives up.
func (r *reused) unanswered(t *testing.T) {
	t.Helper()
	check.Must(t, unix.SetNonblock(r.fd, true))
	if err := connectTo(r.fd, netip.AddrPortFrom(r.b, 9)); err != unix.EINPROGRESS {
		t.Fatalf("connecting to nobody: %v, want %v", err, unix.EINPROGRESS)
	}
	check.Must(t, disconnect(r.fd))
}

func (r *reused) listen(t *testing.T) {
	t.Helper()
	check.Must(t, unix.Listen(r.fd, 1))
	check.Must(t, unix.Shutdown(r.fd, unix.SHUT_RDWR)) // ends listening
}

// holds compares the peers of all that is stored.
func (r *reused) holds(t *testing.T, want ...netip.Addr) {
	t.Helper()
	var got []string
	for e, err := range loaded.Store.Entries() {
		check.Must(t, err)
		got = append(got, e.Peer.String())
		if e.Peer != r.policyKey(want[0]) {
			t.Errorf("%s has %d bytes, source %s, state %s", e.Peer, e.Cwnd, e.Source, e.State)
		}
	}
	slices.Sort(got)
	keys := make([]string, len(want))
	for i := range want {
		keys[i] = r.policyKey(want[i]).String()
	}
	check.Same(t, "peers with an entry", got, keys)
}

func (r *reused) policyKey(peer netip.Addr) netip.Addr { return resume.DefaultPolicy().MaskPeer(peer) }

func portOf(listener net.Listener) uint16 { return uint16(listener.Addr().(*net.TCPAddr).Port) }

// connectTo serves sockets of both families: an accepted one may be of IPv6 with an IPv4 peer.
func connectTo(fd int, to netip.AddrPort) error {
	domain, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_DOMAIN)
	if err != nil {
		return err
	}
	if domain == unix.AF_INET {
		return unix.Connect(fd, &unix.SockaddrInet4{Addr: to.Addr().As4(), Port: int(to.Port())})
	}
	return unix.Connect(fd, &unix.SockaddrInet6{Addr: to.Addr().As16(), Port: int(to.Port())})
}

// disconnect is connect with an address of no family.
func disconnect(fd int) error {
	var nowhere unix.RawSockaddr
	_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&nowhere)), unsafe.Sizeof(nowhere))
	if errno != 0 {
		return errno
	}
	return nil
}

func writeAll(fd int, bytes []byte) error {
	for len(bytes) > 0 {
		n, err := unix.Write(fd, bytes)
		if err != nil {
			return err
		}
		bytes = bytes[n:]
	}
	return nil
}
