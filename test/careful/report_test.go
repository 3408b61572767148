// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// A server that reports once a second does so between ESTABLISHED and the jump,
// too: the jump is made from what it reported last.
func TestTheJumpTakesTheFreshestReport(t *testing.T) {
	const soon = 20 * time.Millisecond // after the last packet of the handshake or of the prelude
	path := lab.Path{RTT: 60 * time.Millisecond, Rate: 50e6}
	bdp := resume.Bytes(path.BDP())
	report := func(cwnd resume.Bytes) resume.Path {
		return resume.Path{Cwnd: cwnd, RTT: path.RTT, Source: resume.SourceApplication}
	}
	expired := report(bdp)
	expired.TTL = time.Nanosecond
	off := report(bdp)
	off.Mode = resume.ModeOff
	exact := report(bdp)
	exact.Mode = resume.ModeExact
	blind := report(bdp)
	blind.RTT = 0
	const stays = "reconnaissance, normal: "
	for name, c := range map[string]struct {
		report resume.Path
		jump   resume.Bytes
		max    resume.Bytes // of the policy, changed together with the report
		story  string
	}{
		"identical":       {report: report(bdp), jump: bdp / 2},
		"larger":          {report: report(2 * bdp), jump: bdp},
		"smaller":         {report: report(bdp * 3 / 4), jump: bdp * 3 / 8},
		"capped":          {report: report(4 * bdp), jump: bdp * 3 / 8, max: bdp * 3 / 4},
		"exact":           {report: exact, jump: bdp / 2},
		"too small":       {report: report(30_000), story: stays + "no_gain"},
		"expired":         {report: expired, story: stays + "expired_meanwhile"},
		"off":             {report: off, story: stays + "turned_off"},
		"without its RTT": {report: blind, story: stays + "rtt_not_validated"},
	} {
		for _, on := range sides() {
			t.Run(name+" "+on.String(), func(t *testing.T) {
				s := newStage(t, path)
				peer := s.Client.Addr(on.ipv6)
				put := func(p resume.Path) {
					p.Peer = peer
					s.Put(t, p)
				}
				put(s.BDP())
				p := s.from(t, on, "cubic")
				time.Sleep(soon)
				if c.max != 0 {
					s.Policy(t, func(p *resume.Policy) { p.MaxCwnd = c.max })
				}
				put(c.report)
				wait := p.Start(400_000)
				if c.story != "" {
					s.Events.Change(t, p, "normal")
					wait(t)
					s.Ended(t, p, c.story)
					return
				}
				jump := s.Events.Change(t, p, "unvalidated")
				wait(t)
				check.Same(t, "jump", jump.Jump, c.jump)
				check.Same(t, "source", jump.Source, resume.SourceApplication)
				check.Same(t, "entry", scene.StateOf(s.Entry(t, peer)), scene.EntryState{State: pathstore.StateInUse, Holder: p.Cookie, Uses: 1})
				p.Reset(t)
			})
		}
	}
}

// from opens a connection whose sending end, which connects or is connected to, has its initial data acknowledged.
func (s *stage) from(t *testing.T, on side, cc string) *scene.Pair {
	t.Helper()
	if on.end == "passive" {
		return s.Greeted(t, cc, lab.DialSpec{Local: s.Client.Addr(on.ipv6)})
	}
	p := s.Outbound(t, cc, on.ipv6)
	p.Send(t, scene.Prelude)
	return p
}
