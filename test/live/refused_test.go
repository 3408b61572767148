// SPDX-License-Identifier: Apache-2.0

package live

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// Whatever a pass does not give a path to keeps its congestion control and its windows.
func TestWhatAPassLeavesAlone(t *testing.T) {
	s := newStage(t, scene.MidPath)
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
			check.Must(t, s.Forget(s.Client.IPv4))
			p := s.Greeted(t, "cubic", lab.DialSpec{})
			s.idle(t, p)
			s.Policy(t, func(policy *resume.Policy) {
				if c.policy != nil {
					c.policy(policy)
				}
			})
			path := s.BDP()
			if c.path != nil {
				c.path(&path)
			}
			s.Put(t, path)
			if c.want == nil {
				c.want = nothing
			}
			s.untouched(t, p, func() { check.Same(t, "verdicts", s.pass(t).Verdicts, c.want) })
		})
	}
}

// untouched compares the socket before and after.
func (s *stage) untouched(t *testing.T, p *scene.Pair, act func()) {
	t.Helper()
	before, cc := scene.Info(t, p.Server), scene.Control(t, p.Server)
	act()
	after := scene.Info(t, p.Server)
	check.Same(t, "congestion control", scene.Control(t, p.Server), cc)
	check.Same(t, "windows", [2]uint32{after.Snd_cwnd, after.Snd_ssthresh}, [2]uint32{before.Snd_cwnd, before.Snd_ssthresh})
	check.Same(t, "events", len(s.Events.Of(p, "resumed")), 0)
	p.Reset(t)
}

func TestExpiredPathIsDeleted(t *testing.T) {
	s := newStage(t, scene.MidPath)
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	s.idle(t, p)
	path := s.BDP()
	path.TTL = time.Millisecond
	s.Put(t, path)
	check.Eventually(t, scene.Patience, "an expired entry", func() bool { return s.Entry(t, s.Client.IPv4).TTL == 0 })
	s.untouched(t, p, func() { check.Same(t, "verdicts", s.pass(t).Verdicts, map[string]int{"lifetime_exceeded": 1}) })
}

// Busy is: data in flight, or the last of it sent just now.
func TestBusyConnectionsAreLeftAlone(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			flying, recent := s.Greeted(t, cc, lab.DialSpec{}), s.Greeted(t, cc, lab.DialSpec{})
			s.idle(t, flying)
			s.Silence(t, flying)
			flying.Start(100_000)
			check.Eventually(t, scene.Patience, "data in flight", func() bool { return scene.Info(t, flying.Server).Unacked > 0 })
			s.Put(t, s.BDP())
			for range 20 { // the moment between two sends is long only within a timeout
				recent.Send(t, 1)
				check.Same(t, "verdicts", s.pass(t).Verdicts, nothing)
			}
			s.untouched(t, recent, func() {})
			check.Same(t, "congestion control in flight", scene.Control(t, flying.Server), cc)
			flying.Reset(t)
		})
	}
}

func TestOtherCgroupsAreLeftAlone(t *testing.T) {
	s := newStage(t, scene.MidPath)
	other, err := lab.NewCgroup("live-other")
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, other.Remove()) })
	below, err := loaded.Cgroup.Child("live-below")
	check.Must(t, err)
	t.Cleanup(func() { check.Must(t, below.Remove()) })
	outside := s.Connect(t, lab.ListenSpec{CC: "cubic", Cgroup: other}, lab.DialSpec{})
	inside := s.Connect(t, lab.ListenSpec{CC: "cubic", Cgroup: below}, lab.DialSpec{})
	outside.Send(t, scene.Prelude)
	inside.Send(t, scene.Prelude)
	s.idle(t, outside, inside)
	s.Put(t, s.BDP())
	s.untouched(t, outside, func() { check.Same(t, "verdicts", s.pass(t).Verdicts, resumedOne) })
	check.Same(t, "congestion control below", scene.Control(t, inside.Server), "resume_cubic")
	inside.Reset(t)
}

// BBR that knows its pipe has nothing to gain, and would forget it.
func TestBBRThatFilledItsPipeIsLeftAlone(t *testing.T) {
	s := newStage(t, scene.MidPath)
	p := s.Open(t, "bbr", lab.DialSpec{})
	p.Send(t, 3_000_000)
	s.idle(t, p)
	s.Put(t, s.Stale())
	s.untouched(t, p, func() { check.Same(t, "verdicts", s.pass(t).Verdicts, map[string]int{"no_gain": 1}) })
}
