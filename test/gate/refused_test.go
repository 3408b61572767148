// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// Not reachable from outside: not_a_tcp_socket, because the kernel makes the
// call for full TCP sockets only.
func TestEachReasonToStartColdIsCounted(t *testing.T) {
	usable := resume.Path{Cwnd: 200_000, Ssthresh: 400_000}
	off, brief, small := usable, usable, usable
	off.Mode, brief.TTL, small.Cwnd = resume.ModeOff, 1, 1000
	careful := resume.Path{Cwnd: 200_000, Mode: resume.ModeCareful}
	const least = 2 * 3 * 10 * 1448 // a jump of half of it is three initial windows
	tooLittle := resume.Path{Cwnd: least - 1, RTT: shortPath.RTT, Mode: resume.ModeCareful}
	noPolicy := func(*resume.Policy) {}

	for name, c := range map[string]struct {
		policy  func(*resume.Policy)
		path    *resume.Path
		prepare func(*testing.T, *stage)
		cc      string
		want    string
	}{
		"nothing stored":        {want: "no_saved_path"},
		"policy off":            {policy: func(p *resume.Policy) { p.Mode = resume.ModeOff }, path: &usable, want: "policy_off"},
		"entry off":             {path: &off, want: "path_off"},
		"wrong seal":            {path: &usable, prepare: breakSeal, want: "path_unstable"},
		"changed without seal":  {path: &usable, prepare: breakWindow, want: "path_unstable"},
		"entry of another peer": {path: &usable, prepare: moveEntry, want: "path_unstable"},
		"entry too old":         {path: &brief, want: "lifetime_exceeded"},
		"older than the policy": {path: &usable, prepare: shortenLifetime, want: "lifetime_exceeded"},
		"less than a segment":   {path: &small, want: "window_too_small"},
		"careful without RTT":   {path: &careful, want: "no_saved_rtt"},
		"careful without gain":  {path: &tooLittle, want: "window_too_small"},
		"foreign control":       {path: &usable, cc: foreignControl(t), want: "congestion_control_unsupported"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStage(t, shortPath)
			if c.policy == nil {
				c.policy = noPolicy
			}
			if c.path != nil {
				s.put(t, *c.path)
			}
			s.policy(t, c.policy)
			if c.prepare != nil {
				c.prepare(t, s)
			}
			p := s.connect(t, lab.ListenSpec{CC: c.cc}, lab.DialSpec{})
			check.Same(t, "windows", windowsOf(t, p.server), cold)
			check.Same(t, "congestion control", scene.Control(t, p.server), map[bool]string{true: c.cc, false: "cubic"}[c.cc != ""])
			s.expect(t, counts{"established": 1, c.want: 1})
			p.reset(t)
			s.expect(t, counts{})
		})
	}
}

func breakSeal(t *testing.T, s *stage) {
	damage(t, s.Client.IPv4, func(path *bytecode.KernelResumePath) { path.Claim ^= 1 })
}

func breakWindow(t *testing.T, s *stage) {
	damage(t, s.Client.IPv4, func(path *bytecode.KernelResumePath) { path.CwndBytes++ })
}

// moveEntry copies a whole and valid entry to another peer, as recycled memory can show it.
func moveEntry(t *testing.T, s *stage) {
	paths := pinned(t, bytecode.KernelMapResumePaths)
	other := s.Server.IPv4
	s.put(t, resume.Path{Peer: other, Cwnd: 300_000})
	var entry bytecode.KernelResumePath
	check.Must(t, paths.Lookup(&bytecode.KernelResumePeer{Addr: other.As16()}, &entry))
	check.Must(t, paths.Put(&bytecode.KernelResumePeer{Addr: s.Client.IPv4.As16()}, &entry))
}

// shortenLifetime lets the entry, good for minutes when it was stored, grow older than the new policy wants.
func shortenLifetime(t *testing.T, s *stage) {
	s.policy(t, func(p *resume.Policy) { p.Lifetime = time.Second })
	check.Eventually(t, patience, "an entry older than a second", func() bool { return s.entry(t, s.Client.IPv4).Age > time.Second })
}
