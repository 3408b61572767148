// SPDX-License-Identifier: Apache-2.0

package live

import (
	"net"
	"net/netip"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
)

var (
	resumedOne = map[string]int{"resumed": 1}
	nothing    = map[string]int{}
)

func TestIdleConnectionResumes(t *testing.T) {
	s := newStage(t, midPath)
	for _, peer := range []netip.Addr{s.Client.IPv4, s.Client.IPv6} {
		for _, cc := range controls {
			t.Run(peer.String()+" "+cc, func(t *testing.T) {
				must(t, deleted(peer))
				p := s.greeted(t, cc, lab.DialSpec{Local: peer})
				s.idle(t, p)
				path := s.bdp()
				path.Peer = peer
				s.put(t, path)
				before := info(t, p.server)
				same(t, "verdicts", s.pass(t).Verdicts, resumedOne)
				same(t, "congestion control", control(t, p.server), "resume_"+cc)
				after := info(t, p.server)
				same(t, "windows", [2]uint32{after.Snd_cwnd, after.Snd_ssthresh}, [2]uint32{before.Snd_cwnd, before.Snd_ssthresh})
				same(t, "a second pass", s.pass(t).Verdicts, nothing)

				p.send(t, 3_000_000)
				s.jumped(t, p, resume.Bytes(s.Path().BDP()/2))
				given := s.Events.of(p, "resumed")
				same(t, "events", len(given), 1)
				same(t, "reason", given[0].Trigger, "revived")
				same(t, "peer", given[0].Peer, netip.AddrPortFrom(peer, clientPort(p)))
				same(t, "local port", int(given[0].Local.Port()), p.server.LocalAddr().(*net.TCPAddr).Port)
				s.ended(t, p, jumps, validates, fills, isFull)
				same(t, "entry", stateOf(s.entry(t, peer)), entryState{State: pathstore.StateFree, Uses: 1})
				s.counted(t, map[string]uint64{"live_resumed": 1, "revived": 1, "applied": 0, "resumed": 0, "live_in_use": 0})
			})
		}
	}
}

// An older path that has not been used yet makes way for a fresh report.
func TestFreshReportReplacesTheOlder(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			old := s.bdp()
			old.Cwnd /= 2
			s.put(t, old)
			p := s.greeted(t, cc, lab.DialSpec{})
			s.idle(t, p)
			s.put(t, s.bdp())
			same(t, "verdicts", s.pass(t).Verdicts, resumedOne)
			p.send(t, 3_000_000)
			s.jumped(t, p, resume.Bytes(s.Path().BDP()/2))
			s.ended(t, p, jumps, validates, fills, isFull)
		})
	}
}

func TestThreeIdleConnectionsOneClaim(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			must(t, deleted(s.Client.IPv4))
			all := []*pair{s.greeted(t, cc, lab.DialSpec{}), s.greeted(t, cc, lab.DialSpec{}), s.greeted(t, cc, lab.DialSpec{})}
			s.idle(t, all...)
			s.put(t, s.bdp())
			same(t, "verdicts", s.pass(t).Verdicts, map[string]int{"resumed": 3})
			all[1].send(t, 400_000)
			same(t, "entry", stateOf(s.entry(t, s.Client.IPv4)), entryState{pathstore.StateInUse, all[1].cookie, 1, 0})
			for _, p := range []*pair{all[0], all[2]} {
				p.send(t, 400_000)
				same(t, "story", s.Events.story(p), []string{inUse})
			}
			s.idle(t, all...)
			same(t, "verdicts afterwards", s.pass(t).Verdicts, map[string]int{"in_use": 2}) // the holder's own is nothing to tell
			for _, p := range all {
				p.reset(t)
			}
		})
	}
}

// The wrong path costs no more than it does a new connection: a retreat, and the entry is deleted.
func TestRetreatOfALiveConnection(t *testing.T) {
	s := newStage(t, shallow)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			must(t, deleted(s.Client.IPv4))
			p := s.greeted(t, cc, lab.DialSpec{})
			s.idle(t, p)
			s.put(t, s.stale())
			same(t, "verdicts", s.pass(t).Verdicts, resumedOne)
			p.send(t, 2_000_000)
			s.Events.change(t, p, "safe_retreat")
			same(t, "entry", stateOf(s.entry(t, s.Client.IPv4)), entryState{State: pathstore.StateSpent, Uses: 1, Retreats: 1})
			p.reset(t)
		})
	}
}
