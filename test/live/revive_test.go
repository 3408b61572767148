// SPDX-License-Identifier: Apache-2.0

package live

import (
	"net"
	"net/netip"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

var (
	resumedOne = map[string]int{"resumed": 1}
	nothing    = map[string]int{}
)

func TestIdleConnectionResumes(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, peer := range []netip.Addr{s.Client.IPv4, s.Client.IPv6} {
		for _, cc := range scene.Controls {
			t.Run(peer.String()+" "+cc, func(t *testing.T) {
				check.Must(t, s.Forget(peer))
				p := s.Greeted(t, cc, lab.DialSpec{Local: peer})
				s.idle(t, p)
				path := s.BDP()
				path.Peer = peer
				s.Put(t, path)
				before := scene.Info(t, p.Server)
				check.Same(t, "verdicts", s.pass(t).Verdicts, resumedOne)
				check.Same(t, "congestion control", scene.Control(t, p.Server), "resume_"+cc)
				after := scene.Info(t, p.Server)
				check.Same(t, "windows", [2]uint32{after.Snd_cwnd, after.Snd_ssthresh}, [2]uint32{before.Snd_cwnd, before.Snd_ssthresh})
				check.Same(t, "a second pass", s.pass(t).Verdicts, nothing)

				p.Send(t, 3_000_000)
				s.jumped(t, p, resume.Bytes(s.Path().BDP()/2))
				given := s.Events.Of(p, "resumed")
				check.Same(t, "events", len(given), 1)
				check.Same(t, "reason", given[0].Trigger, "revived")
				check.Same(t, "peer", given[0].Peer, netip.AddrPortFrom(peer, p.ClientPort()))
				check.Same(t, "local port", int(given[0].Local.Port()), p.Server.LocalAddr().(*net.TCPAddr).Port)
				s.Ended(t, p, jumps, validates, fills, isFull)
				check.Same(t, "entry", scene.StateOf(s.Entry(t, peer)), scene.EntryState{State: pathstore.StateFree, Uses: 1})
				s.Counted(t, map[string]uint64{"live_resumed": 1, "revived": 1, "applied": 0, "resumed": 0, "live_in_use": 0})
			})
		}
	}
}

// An older path that has not been used yet makes way for a fresh report.
func TestFreshReportReplacesTheOlder(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			old := s.BDP()
			old.Cwnd /= 2
			s.Put(t, old)
			p := s.Greeted(t, cc, lab.DialSpec{})
			s.idle(t, p)
			s.Put(t, s.BDP())
			check.Same(t, "verdicts", s.pass(t).Verdicts, resumedOne)
			p.Send(t, 3_000_000)
			s.jumped(t, p, resume.Bytes(s.Path().BDP()/2))
			s.Ended(t, p, jumps, validates, fills, isFull)
		})
	}
}

func TestThreeIdleConnectionsOneClaim(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			all := []*scene.Pair{s.Greeted(t, cc, lab.DialSpec{}), s.Greeted(t, cc, lab.DialSpec{}), s.Greeted(t, cc, lab.DialSpec{})}
			s.idle(t, all...)
			s.Put(t, s.BDP())
			check.Same(t, "verdicts", s.pass(t).Verdicts, map[string]int{"resumed": 3})
			all[1].Send(t, 400_000)
			check.Same(t, "entry", scene.StateOf(s.Entry(t, s.Client.IPv4)), scene.EntryState{State: pathstore.StateInUse, Holder: all[1].Cookie, Uses: 1})
			for _, p := range []*scene.Pair{all[0], all[2]} {
				p.Send(t, 400_000)
				check.Same(t, "story", s.Events.Story(p), []string{inUse})
			}
			s.idle(t, all...)
			check.Same(t, "verdicts afterwards", s.pass(t).Verdicts, map[string]int{"in_use": 2}) // the holder's own is nothing to tell
			for _, p := range all {
				p.Reset(t)
			}
		})
	}
}

// The wrong path costs no more than it does a new connection: a retreat, and the entry is deleted.
func TestRetreatOfALiveConnection(t *testing.T) {
	s := newStage(t, scene.Shallow)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			p := s.Greeted(t, cc, lab.DialSpec{})
			s.idle(t, p)
			s.Put(t, s.Stale())
			check.Same(t, "verdicts", s.pass(t).Verdicts, resumedOne)
			p.Send(t, 2_000_000)
			s.Events.Change(t, p, "safe_retreat")
			check.Same(t, "entry", scene.StateOf(s.Entry(t, s.Client.IPv4)), scene.EntryState{State: pathstore.StateSpent, Uses: 1, Retreats: 1})
			p.Reset(t)
		})
	}
}
