// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"io"
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// What becomes of resumed connections is counted to their end, of others it is not.
func TestWhatBecomesOfTheResumed(t *testing.T) {
	lossy := shortPath
	lossy.Loss, lossy.Seed = 0.03, 7
	s := newStage(t, lossy)
	for family, addrs := range map[string][2]netip.Addr{
		"IPv4": {s.Server.IPv4, s.Client.IPv4},
		"IPv6": {s.Server.IPv6, s.Client.IPv6},
	} {
		for name, end := range map[string]struct {
			how  func(*testing.T, pair)
			want counts
		}{
			"reset by the server": {func(t *testing.T, p pair) { check.Must(t, scene.Abort(p.server)) }, counts{"reset_sent": 1}},
			"reset by the client": {func(t *testing.T, p pair) {
				check.Must(t, scene.Abort(p.client))
				_, err := p.server.Read(make([]byte, 1))
				if err == nil || err == io.EOF {
					t.Errorf("the server read %v, want a reset", err)
				}
			}, counts{"reset_received": 1}},
			"closed with unread data": {func(t *testing.T, p pair) {
				_, err := p.client.Write([]byte("unread"))
				check.Must(t, err)
				check.Eventually(t, patience, "data to read", func() bool { return unread(t, p.server) > 0 })
				check.Must(t, p.server.Close())
			}, counts{"reset_sent": 1}},
		} {
			t.Run(family+" "+name, func(t *testing.T) {
				before := s.fates(t)
				cold := s.connect(t, lab.ListenSpec{}, lab.DialSpec{Addr: netip.AddrPortFrom(addrs[0], 0)})
				cold.send(t, 500_000)
				end.how(t, cold)
				check.Same(t, "fates of a cold connection", s.fates(t).since(before), counts{})

				s.put(t, resume.Path{Peer: addrs[1], Cwnd: 100_000})
				p := s.connect(t, lab.ListenSpec{}, lab.DialSpec{Addr: netip.AddrPortFrom(addrs[0], 0)})
				p.send(t, 500_000)
				want := end.want.plus(counts{"segments_retransmitted": uint64(scene.Info(t, p.server).Total_retrans)})
				end.how(t, p)
				s.fated(t, before, want)
			})
		}
	}
	s.seen = s.read(t)
}

// The second connection of a socket is another one, and cold.
func TestASocketThatConnectsAgainIsNotWatched(t *testing.T) {
	s := newStage(t, shortPath)
	listener := s.listen(t, lab.ListenSpec{Network: "tcp4"})
	before := s.fates(t)
	fd := s.socket(t, "cubic")
	s.useSocket(t, fd, listener, 100_000, enough)
	check.Must(t, disconnect(fd))
	first := s.fates(t).since(before)
	check.Must(t, connect(fd, s.Server, listener))
	check.Must(t, scene.Abort(accept(t, listener)))
	_, err := unix.Read(fd, make([]byte, 1))
	check.Same(t, "read by the second", err, error(unix.ECONNRESET))
	check.Same(t, "fates of the second", s.fates(t).since(before), first)
	s.seen = s.read(t)
}

// unread is how many bytes wait to be read.
func unread(t testing.TB, conn *net.TCPConn) (n int) {
	t.Helper()
	check.Must(t, lab.Control(conn, func(fd int) (err error) {
		n, err = unix.IoctlGetInt(fd, unix.TIOCINQ)
		return err
	}))
	return n
}

func (s *stage) fates(t testing.TB) counts {
	t.Helper()
	now, err := loaded.Counters()
	check.Must(t, err)
	kept := make(counts)
	for _, name := range fates {
		if now[name] != 0 {
			kept[name] = now[name]
		}
	}
	return kept
}

func (s *stage) fated(t testing.TB, before, want counts) {
	t.Helper()
	var diff string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(time.Millisecond) {
		if diff = cmp.Diff(want.since(nil), s.fates(t).since(before)); diff == "" {
			return
		}
	}
	t.Errorf("fates (-want +got):\n%s", diff)
}
