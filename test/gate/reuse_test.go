// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"net"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

// A socket may be disconnected and connected again: what the gate remembers of
// the first connection must not meet the second.
func TestASocketThatConnectsTwice(t *testing.T) {
	s := newStage(t, shortPath)
	for name, c := range map[string]struct {
		bytes int // of the first connection
		ended counts
	}{
		"before its window was sent": {0, closedEarly},
		"after some of it was":       {50_000, closedEarly},
		"after all of it was":        {enough, closedWiser.plus(counts{"window_sent": 1})},
	} {
		for cc, control := range controls {
			t.Run(name+" "+cc, func(t *testing.T) {
				listener := s.listen(t, lab.ListenSpec{Network: "tcp4"})
				fd := s.socket(t, cc)
				first := s.useSocket(t, fd, listener, 100_000, c.bytes)
				check.Must(t, disconnect(fd))
				if _, sent := c.ended["window_sent"]; sent {
					first = first.plus(control.ended)
				}
				s.expect(t, first.plus(control.resumed, c.ended))
				check.Same(t, "entry of the first", s.entry(t, s.Server.IPv4).State, pathstore.StateSpent)

				second := s.useSocket(t, fd, listener, 200_000, enough)
				s.expect(t, second.plus(control.resumed, control.ended, counts{"window_sent": 1}))
				check.Same(t, "pacing", pacingStatusOf(t, s.Client, fd), control.status)
				check.Must(t, disconnect(fd))
				s.expect(t, closedWiser)
				check.Same(t, "entry of the second", s.entry(t, s.Server.IPv4).State, pathstore.StateSpent)
			})
		}
	}
}

// useSocket connects it and sends bytes.
func (s *stage) useSocket(t *testing.T, fd int, listener net.Listener, cwnd uint32, bytes int) counts {
	t.Helper()
	s.put(t, resume.Path{Peer: s.Server.IPv4, Cwnd: resume.Bytes(cwnd), Ssthresh: 400_000})
	check.Must(t, connect(fd, s.Server, listener))
	peer := accept(t, listener)
	info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
	check.Must(t, err)
	check.Same(t, "windows", windows{info.Snd_cwnd, info.Snd_ssthresh}, windows{cwnd / info.Snd_mss, 400_000 / info.Snd_mss})
	upload(t, fd, peer, bytes)
	return resumedOnce
}

// socket makes a blocking socket of the client in the cgroup.
func (s *stage) socket(t *testing.T, cc string) (fd int) {
	t.Helper()
	check.Must(t, loaded.Cgroup.Run(func() error {
		return s.Client.Do(func() (err error) {
			fd, err = unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
			return err
		})
	}))
	t.Cleanup(func() { unix.Close(fd) })
	check.Must(t, unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, cc))
	return fd
}

func connect(fd int, to *lab.Host, listener net.Listener) error {
	return unix.Connect(fd, &unix.SockaddrInet4{Addr: to.IPv4.As4(), Port: listener.Addr().(*net.TCPAddr).Port})
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

func upload(t *testing.T, fd int, peer *net.TCPConn, bytes int) {
	t.Helper()
	sent := make(chan error, 1)
	go func() {
		for left := bytes; left > 0; {
			n, err := unix.Write(fd, make([]byte, left))
			if err != nil {
				sent <- err
				return
			}
			left -= n
		}
		sent <- nil
	}()
	drain(t, pair{client: peer}, int64(bytes))
	check.Must(t, <-sent)
	check.Eventually(t, patience, "all ACKs", func() bool {
		info, err := unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		return err == nil && info.Unacked == 0
	})
}
