// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

func TestTheSocketGetsItsOwnControlBack(t *testing.T) {
	s := newStage(t, shortPath)
	for cc, c := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, resume.Path{Cwnd: 60_000, Ssthresh: 120_000})
			p := s.connect(t, lab.ListenSpec{CC: cc}, lab.DialSpec{})
			check.Same(t, "pacing while the window leaves", pacingStatus(t, s.Server, p.server), paced)
			p.send(t, enough)

			s.expect(t, resumedOnce.plus(counts{"window_sent": 1}, c.resumed, c.ended))
			check.Same(t, "congestion control", scene.Control(t, p.server), c.own)
			check.Same(t, "pacing afterwards", pacingStatus(t, s.Server, p.server), c.status)
			p.reset(t)
			s.expect(t, closedWiser)
		})
	}
}

// A window that was sent but never filled is not handed back before its ACKs return.
func TestLessThanTheWindowKeepsResuming(t *testing.T) {
	s := newStage(t, shortPath)
	for cc, c := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, resume.Path{Cwnd: 60_000})
			p := s.connect(t, lab.ListenSpec{CC: cc}, lab.DialSpec{})
			p.send(t, 30_000)
			s.expect(t, resumedOnce.plus(c.resumed))
			check.Same(t, "congestion control", scene.Control(t, p.server), "resume_"+cc)
			p.send(t, enough)
			s.expect(t, counts{"window_sent": 1}.plus(c.ended))
			p.reset(t)
			s.expect(t, closedWiser)
		})
	}
}
