// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

// The store and the kernel compute the seal each in its own language. The
// kernel's function cannot be called by itself, but every entry that it takes
// is one over which both agree.
func TestTheKernelTakesWhatTheStoreSeals(t *testing.T) {
	const entries = 1000
	for name, c := range map[string]struct {
		to    netip.Addr
		peer  func() netip.Addr
		scope bool
	}{
		"IPv4":            {to: loopback, peer: randomIPv4},
		"IPv6":            {to: netip.MustParseAddr("fd99::1"), peer: randomIPv6},
		"own namespace's": {to: loopback, peer: randomIPv4, scope: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, shortPath)
			check.Must(t, s.Server.Sysctl("net.ipv6.ip_nonlocal_bind", "1"))
			ip(t, s.Server, "-6 route add local fd99::/64 dev lo")
			listener := s.loopbackListener(t)
			scope := uint64(0)
			if c.scope {
				s.policy(t, func(p *resume.Policy) { p.Scope = resume.ScopeNetns })
				scope = netnsCookie(t, s.Server)
			}
			for range entries {
				path := randomPath(c.peer())
				path.Scope = scope
				s.put(t, path)
				p := s.dialLoopback(t, listener, path.Peer, c.to)
				segment := uint32(mss(t, p.server))
				want := windows{uint32(path.Cwnd) / segment, uint32(path.Ssthresh) / segment}
				if got := windowsOf(t, p.server); got != want {
					t.Fatalf("%+v: windows %v, want %v", path, got, want)
				}
				p.reset(t)
			}
			s.expect(t, resumedOnce.plus(closedEarly).times(entries))
		})
	}
}

func randomIPv4() netip.Addr {
	n := rand.Uint32()
	return netip.AddrFrom4([4]byte{127, byte(n>>16) | 1, byte(n >> 8), byte(n)})
}

func randomIPv6() netip.Addr {
	addr := netip.MustParseAddr("fd99::").As16()
	binary.NativeEndian.PutUint64(addr[8:], rand.Uint64()|1<<32)
	return netip.AddrFrom16(addr)
}

func randomPath(peer netip.Addr) resume.Path {
	const largestSegment = 1 << 16
	return words(resume.Path{
		Peer:     peer,
		Cwnd:     resume.Bytes(largestSegment + rand.Uint32N(1<<32-1-largestSegment)),
		Ssthresh: resume.Bytes(1 + rand.Uint32N(1<<32-1)),
		RTT:      time.Duration(rand.Uint32()) * time.Microsecond,
		TTL:      time.Minute + time.Duration(rand.Int64N(int64(9*time.Minute))),
		Mode:     []resume.Mode{resume.ModePolicy, resume.ModeExact}[rand.IntN(2)],
		Sharing:  resume.Sharings[rand.IntN(len(resume.Sharings))],
		Source:   resume.Sources[rand.IntN(3)], // the fourth would count as one of the drop-in maps'
	})
}
