// SPDX-License-Identifier: Apache-2.0

package live

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
)

// Whatever a pass does not give a path to keeps its congestion control and its windows.
func TestWhatAPassLeavesAlone(t *testing.T) {
	s := newStage(t, midPath)
	for name, c := range map[string]struct {
		policy func(*resume.Policy)
		path   func(*resume.Path)
		want   map[string]int
	}{
		"nothing is stored":   {path: func(p *resume.Path) { p.Peer = netip.MustParseAddr("192.0.2.1") }},
		"the policy is off":   {policy: func(p *resume.Policy) { p.Mode = resume.ModeOff }},
		"the policy is never": {policy: func(p *resume.Policy) { p.Live = resume.LiveNever }},
		"the entry is off":    {path: func(p *resume.Path) { p.Mode = resume.ModeOff }, want: map[string]int{"off": 1}},
		"no RTT":              {path: func(p *resume.Path) { p.RTT = 0 }, want: map[string]int{"no_saved_rtt": 1}},
		"another RTT":         {path: func(p *resume.Path) { p.RTT *= 4 }, want: map[string]int{"rtt_not_validated": 1}},
		"a small window":      {path: func(p *resume.Path) { p.Cwnd = 50_000 }, want: map[string]int{"no_gain": 1}},
		"a capped window":     {policy: func(p *resume.Policy) { p.MaxCwnd = 50_000 }, want: map[string]int{"no_gain": 1}},
	} {
		t.Run(name, func(t *testing.T) {
			must(t, deleted(s.Client.IPv4))
			p := s.greeted(t, "cubic", lab.DialSpec{})
			s.idle(t, p)
			s.policy(t, func(policy *resume.Policy) {
				if c.policy != nil {
					c.policy(policy)
				}
			})
			path := s.bdp()
			if c.path != nil {
				c.path(&path)
			}
			s.put(t, path)
			if c.want == nil {
				c.want = nothing
			}
			s.untouched(t, p, func() { same(t, "verdicts", s.pass(t).Verdicts, c.want) })
		})
	}
}

// untouched compares the socket before and after.
func (s *stage) untouched(t *testing.T, p *pair, act func()) {
	t.Helper()
	before, cc := info(t, p.server), control(t, p.server)
	act()
	after := info(t, p.server)
	same(t, "congestion control", control(t, p.server), cc)
	same(t, "windows", [2]uint32{after.Snd_cwnd, after.Snd_ssthresh}, [2]uint32{before.Snd_cwnd, before.Snd_ssthresh})
	same(t, "events", len(s.Events.of(p, "resumed")), 0)
	p.reset(t)
}

func TestExpiredPathIsDeleted(t *testing.T) {
	s := newStage(t, midPath)
	p := s.greeted(t, "cubic", lab.DialSpec{})
	s.idle(t, p)
	path := s.bdp()
	path.TTL = time.Millisecond
	s.put(t, path)
	eventually(t, "an expired entry", func() bool { return s.entry(t, s.Client.IPv4).TTL == 0 })
	s.untouched(t, p, func() { same(t, "verdicts", s.pass(t).Verdicts, map[string]int{"lifetime_exceeded": 1}) })
}

// Busy is: data in flight, or the last of it sent just now.
func TestBusyConnectionsAreLeftAlone(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			must(t, deleted(s.Client.IPv4))
			flying, recent := s.greeted(t, cc, lab.DialSpec{}), s.greeted(t, cc, lab.DialSpec{})
			s.idle(t, flying)
			s.silence(t, flying)
			flying.start(100_000)
			eventually(t, "data in flight", func() bool { return info(t, flying.server).Unacked > 0 })
			s.put(t, s.bdp())
			for range 20 { // the moment between two sends is long only within a timeout
				recent.send(t, 1)
				same(t, "verdicts", s.pass(t).Verdicts, nothing)
			}
			s.untouched(t, recent, func() {})
			same(t, "congestion control in flight", control(t, flying.server), cc)
			flying.reset(t)
		})
	}
}

func TestOtherCgroupsAreLeftAlone(t *testing.T) {
	s := newStage(t, midPath)
	other, err := lab.NewCgroup("live-other")
	must(t, err)
	t.Cleanup(func() { must(t, other.Remove()) })
	below, err := loaded.Cgroup.Child("live-below")
	must(t, err)
	t.Cleanup(func() { must(t, below.Remove()) })
	outside := s.connect(t, lab.ListenSpec{CC: "cubic", Cgroup: other}, lab.DialSpec{})
	inside := s.connect(t, lab.ListenSpec{CC: "cubic", Cgroup: below}, lab.DialSpec{})
	outside.send(t, prelude)
	inside.send(t, prelude)
	s.idle(t, outside, inside)
	s.put(t, s.bdp())
	s.untouched(t, outside, func() { same(t, "verdicts", s.pass(t).Verdicts, resumedOne) })
	same(t, "congestion control below", control(t, inside.server), "resume_cubic")
	inside.reset(t)
}

// BBR that knows its pipe has nothing to gain, and would forget it.
func TestBBRThatFilledItsPipeIsLeftAlone(t *testing.T) {
	s := newStage(t, midPath)
	p := s.open(t, "bbr", lab.DialSpec{})
	p.send(t, 3_000_000)
	s.idle(t, p)
	s.put(t, s.stale())
	s.untouched(t, p, func() { same(t, "verdicts", s.pass(t).Verdicts, map[string]int{"no_gain": 1}) })
}
