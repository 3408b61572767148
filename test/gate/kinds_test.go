// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

func TestPassiveSocketsOfEachFamily(t *testing.T) {
	s := newStage(t, shortPath)
	for name, c := range map[string]struct {
		network      string
		client, peer netip.Addr
	}{
		"IPv4":                   {"tcp4", s.Client.IPv4, s.Server.IPv4},
		"IPv6":                   {"tcp6", s.Client.IPv6, s.Server.IPv6},
		"IPv4 to both, one port": {"tcp", s.Client.IPv4, s.Server.IPv4},
		"IPv6 to both, one port": {"tcp", s.Client.IPv6, s.Server.IPv6},
	} {
		t.Run(name, func(t *testing.T) {
			s.put(t, resume.Path{Peer: c.client, Cwnd: 200_000, Ssthresh: 400_000})
			p := s.connect(t, lab.ListenSpec{Network: c.network}, lab.DialSpec{Addr: netip.AddrPortFrom(c.peer, 0)})
			s.resumed(t, p.server, 200_000, 400_000)
			p.reset(t)
			s.expect(t, closedEarly)
		})
	}
}

func TestActiveSocketsOfEachFamily(t *testing.T) {
	s := newStage(t, shortPath)
	for _, peer := range []netip.Addr{s.Server.IPv4, s.Server.IPv6} {
		t.Run(peer.String(), func(t *testing.T) {
			s.put(t, resume.Path{Peer: peer, Cwnd: 200_000, Ssthresh: 400_000})
			p := s.open(t, lab.ListenSpec{}, lab.DialSpec{Addr: netip.AddrPortFrom(peer, 0), CC: "cubic", Cgroup: loaded.Cgroup})
			s.resumed(t, p.client, 200_000, 400_000)
			check.Same(t, "windows of the passive side", windowsOf(t, p.server), cold)
			p.reset(t)
			s.expect(t, closedEarly)
		})
	}
}

func TestBothEndsOfOneConnection(t *testing.T) {
	s := newStage(t, shortPath)
	s.put(t, resume.Path{Peer: s.Server.IPv4, Cwnd: 100_000})
	s.put(t, resume.Path{Peer: s.Client.IPv4, Cwnd: 200_000})
	p := s.connect(t, lab.ListenSpec{}, lab.DialSpec{CC: "reno", Cgroup: loaded.Cgroup})
	segment := mss(t, p.server)
	check.Same(t, "active side", windowsOf(t, p.client), windows{uint32(100_000 / segment), lab.InfiniteSsthresh})
	check.Same(t, "passive side", windowsOf(t, p.server), windows{uint32(200_000 / segment), lab.InfiniteSsthresh})
	s.expect(t, resumedOnce.times(2))
}

// With Fast Open the gate waits for the handshake, as the SYN may be anybody's. Then the RTT is known.
func TestFastOpen(t *testing.T) {
	s := newStage(t, shortPath)
	listener := s.listen(t, lab.ListenSpec{FastOpen: true, Cgroup: loaded.Cgroup})
	s.dial(t, listener, lab.DialSpec{FastOpen: true}).reset(t) // the client gets its cookie
	s.expect(t, counts{"established": 1, "no_saved_path": 1})
	for name, path := range map[string]resume.Path{
		"RTT not known": {Cwnd: 200_000, Ssthresh: 400_000},
		"RTT stored":    {Cwnd: 200_000, Ssthresh: 400_000, RTT: shortPath.RTT},
	} {
		t.Run(name, func(t *testing.T) {
			s.put(t, path)
			p := s.dial(t, listener, lab.DialSpec{FastOpen: true})
			s.expect(t, resumedOnce) // when the client's ACK is there
			const synData = 32       // TCPI_OPT_SYN_DATA
			if scene.Info(t, p.server).Options&synData == 0 {
				t.Error("the SYN carried no data")
			}
			segment := uint32(mss(t, p.server))
			check.Same(t, "windows", windowsOf(t, p.server), windows{200_000 / segment, 400_000 / segment})
			check.Same(t, "pacing", pacingStatus(t, s.Server, p.server), paced)
			p.send(t, 400_000)
			p.reset(t)
			s.expect(t, closedOnce.plus(counts{"window_sent": 1, "handed_back": 1}))
		})
	}
}

func TestSynCookies(t *testing.T) {
	s := newStage(t, shortPath)
	const always = "2"
	check.Must(t, s.Server.Sysctl("net.ipv4.tcp_syncookies", always))
	before := s.netstat(t, "SyncookiesRecv")
	s.put(t, resume.Path{Cwnd: 200_000, Ssthresh: 400_000})
	p := s.connect(t, lab.ListenSpec{}, lab.DialSpec{})
	check.Same(t, "connections by cookie", s.netstat(t, "SyncookiesRecv")-before, 1)
	s.resumed(t, p.server, 200_000, 400_000)
}

// resumed checks the windows of a socket that resumed and that nothing else was counted.
func (s *stage) resumed(t *testing.T, conn *net.TCPConn, cwnd, ssthresh int) {
	t.Helper()
	segment := mss(t, conn)
	check.Same(t, "windows", windowsOf(t, conn), windows{uint32(cwnd / segment), uint32(ssthresh / segment)})
	s.expect(t, resumedOnce)
}

// netstat reads a counter of the server's namespace.
func (s *stage) netstat(t *testing.T, name string) (value int) {
	t.Helper()
	value, err := netstat(s.Server, name)
	check.Must(t, err)
	return value
}

func netstat(host *lab.Host, name string) (value int, err error) {
	err = host.Do(func() error {
		file, err := os.Open("/proc/thread-self/net/netstat")
		if err != nil {
			return err
		}
		defer file.Close()
		for lines := bufio.NewScanner(file); lines.Scan(); {
			names := strings.Fields(lines.Text())
			lines.Scan()
			for i, text := range strings.Fields(lines.Text()) {
				if names[i] == name {
					_, err := fmt.Sscan(text, &value)
					return err
				}
			}
		}
		return fmt.Errorf("no counter %s", name)
	})
	return value, err
}
