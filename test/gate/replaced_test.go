// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

func TestAnApplicationReplacesTheControl(t *testing.T) {
	s := newStage(t, shortPath)
	s.policy(t, func(p *resume.Policy) { p.Learn = false }) // the counters are the subject
	for name, c := range map[string]struct {
		cc, by string
		bytes  int
		// BBR paces by itself, and the kernel leaves a socket that was BBR's paced.
		after uint32
	}{
		"cubic, before the first byte": {cc: "cubic", by: "reno"},
		"cubic, after some bytes":      {cc: "cubic", by: "reno", bytes: 20_000},
		"reno, before the first byte":  {cc: "reno", by: "cubic"},
		"reno, by its own name":        {cc: "reno", by: "reno", bytes: 20_000},
		"bbr, after some bytes":        {cc: "bbr", by: "cubic", bytes: 20_000, after: paced},
	} {
		t.Run(name, func(t *testing.T) {
			s.put(t, resume.Path{Cwnd: 300_000, Ssthresh: 600_000})
			p := s.connect(t, lab.ListenSpec{CC: c.cc}, lab.DialSpec{})
			if c.bytes > 0 {
				p.send(t, c.bytes)
			}
			before := windowsOf(t, p.server)
			check.Same(t, "pacing before", pacingStatus(t, s.Server, p.server), paced)
			setControl(t, p.server, c.by)

			check.Same(t, "pacing", pacingStatus(t, s.Server, p.server), c.after)
			check.Same(t, "windows", windowsOf(t, p.server), before)
			check.Same(t, "congestion control", scene.Control(t, p.server), c.by)
			s.expect(t, resumedOnce.plus(counts{"replaced": 1}, controls[c.cc].resumed))
			p.send(t, 600_000)
			check.Same(t, "congestion control after a transfer", scene.Control(t, p.server), c.by)
			p.reset(t)
			s.expect(t, closedOnce)
		})
	}
}
