// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"net/netip"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

func TestTheLongestPrefixDecides(t *testing.T) {
	s := newStage(t, shortPath)
	capped := func(at resume.Bytes) func(*resume.Policy) {
		return func(p *resume.Policy) { p.MaxCwnd = at }
	}
	for _, peer := range []netip.Addr{s.Client.IPv4, s.Client.IPv6} {
		s.put(t, resume.Path{Peer: peer, Cwnd: 200_000, Sharing: resume.SharingShared})
		p := func() uint32 {
			p := s.connect(t, lab.ListenSpec{}, lab.DialSpec{Addr: netip.AddrPortFrom(s.Server.Addr(peer.Is6()), 0)})
			defer p.reset(t)
			return windowsOf(t, p.server).Cwnd * uint32(mss(t, p.server)) / 10_000
		}
		bits := peer.BitLen()
		s.policy(t, capped(150_000))
		check.Same(t, "default", p(), 14)
		for i, rule := range []struct {
			bits int
			cap  resume.Bytes
			want uint32
		}{
			{bits, 50_000, 4}, {bits / 4, 120_000, 4}, {bits / 2, 90_000, 4},
		} {
			s.policyFor(t, netip.PrefixFrom(peer, rule.bits).Masked(), capped(rule.cap))
			if got := p(); got != rule.want {
				t.Errorf("%v, rule %d: window %d0 kB, want %d0 kB", peer, i, got, rule.want)
			}
		}
		check.Must(t, s.Store.DeletePolicy(netip.PrefixFrom(peer, bits)))
		check.Same(t, "longest gone", p(), 8)
		check.Must(t, s.Store.DeletePolicy(netip.PrefixFrom(peer, bits/2).Masked()))
		check.Same(t, "second longest gone", p(), 11)
	}
}

func TestPeersOfOnePrefixShareAnEntry(t *testing.T) {
	s := newStage(t, shortPath)
	s.policy(t, func(p *resume.Policy) { p.KeyBitsV4, p.KeyBitsV6 = 24, 64 })
	for name, c := range map[string]struct {
		to           netip.Addr
		stored       string
		same, beside []string
	}{
		"/24": {s.Server.IPv4, "203.0.113.5", []string{"203.0.113.5", "203.0.113.200"}, []string{"203.0.112.5"}},
		"/64": {s.Server.IPv6, "2001:db8::5", []string{"2001:db8::5", "2001:db8::ffff:0:0:1"}, []string{"2001:db8:0:1::5"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.put(t, resume.Path{Peer: netip.MustParseAddr(c.stored), Cwnd: 200_000, Sharing: resume.SharingShared})
			for i, peers := range [][]string{c.same, c.beside} {
				want := []counts{resumedOnce, {"established": 1, "no_saved_path": 1}}[i]
				for _, text := range peers {
					peer := netip.MustParseAddr(text)
					check.Must(t, s.Client.AddAddr(peer))
					p := s.connect(t, lab.ListenSpec{}, lab.DialSpec{Addr: netip.AddrPortFrom(c.to, 0), Local: peer})
					s.expect(t, want)
					p.reset(t)
					s.expect(t, closedEarly.times(want["resumed"]))
				}
			}
		})
	}
}

func TestNamespacesMayHaveTheirOwnPaths(t *testing.T) {
	s := newStage(t, shortPath)
	s.put(t, resume.Path{Cwnd: 200_000}) // of the host, from before the policy
	s.policy(t, func(p *resume.Policy) { p.Scope = resume.ScopeNetns })
	own, other := netnsCookie(t, s.Server), netnsCookie(t, s.Client)
	for _, c := range []struct {
		name  string
		scope uint64
		want  counts
	}{
		{"no namespace", 0, counts{"established": 1, "no_saved_path": 1}},
		{"another namespace", other, counts{"established": 1, "no_saved_path": 1}},
		{"the server's namespace", own, resumedOnce},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.scope != 0 {
				s.put(t, resume.Path{Cwnd: 200_000, Scope: c.scope})
			}
			p := s.connect(t, lab.ListenSpec{}, lab.DialSpec{})
			s.expect(t, c.want)
			p.reset(t)
		})
	}
}

func netnsCookie(t *testing.T, host *lab.Host) (cookie uint64) {
	t.Helper()
	check.Must(t, host.Do(func() (err error) {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
		return err
	}))
	byFile := uint64(0)
	check.Must(t, host.Do(func() (err error) {
		byFile, err = loader.NetnsCookie("/proc/thread-self/ns/net")
		return err
	}))
	check.Same(t, "cookie by the loader", byFile, cookie)
	return cookie
}
