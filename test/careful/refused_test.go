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

// The measured minimum is a little above the propagation delay of 40 ms.
func TestRTTOutOfBoundsIsNoJump(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for name, c := range map[string]struct {
		rtt   time.Duration
		jumps bool
	}{
		"path is half as long":        {rtt: 90 * time.Millisecond},
		"path is a little above half": {rtt: 76 * time.Millisecond, jumps: true},
		"path is ten times as long":   {rtt: 3900 * time.Microsecond},
		"path is as saved":            {rtt: 40 * time.Millisecond, jumps: true},
		"path is three times as long": {rtt: 13 * time.Millisecond, jumps: true},
	} {
		for _, cc := range scene.Controls {
			t.Run(name+" "+cc, func(t *testing.T) {
				s.Put(t, resume.Path{Cwnd: 8_000_000, RTT: c.rtt})
				p := s.Greeted(t, cc, lab.DialSpec{})
				if c.jumps {
					wait := p.Start(200_000)
					check.Between(t, "jump", s.Events.Change(t, p, "unvalidated").Jump, 60_000, 1<<20)
					wait(t)
					p.Reset(t)
					return
				}
				cold := scene.Info(t, p.Server).Snd_cwnd
				wait := p.Start(200_000)
				change := s.Events.Change(t, p, "normal")
				check.Same(t, "window", change.Cwnd, cold)
				wait(t)
				s.Ended(t, p, "reconnaissance, normal: rtt_not_validated")
			})
		}
	}
}

func TestEntriesThatCarefulCannotUse(t *testing.T) {
	s := newStage(t, scene.MidPath)
	saved := s.BDP()
	for name, path := range map[string]resume.Path{
		"no_saved_rtt":     {Cwnd: saved.Cwnd},
		"window_too_small": {Cwnd: 50_000, RTT: saved.RTT},
	} {
		t.Run(name, func(t *testing.T) {
			s.Put(t, path)
			p := s.Greeted(t, "cubic", lab.DialSpec{})
			check.Same(t, "congestion control", scene.Control(t, p.Server), "cubic")
			p.Send(t, 100_000)
			s.Ended(t, p)
			s.Counted(t, map[string]uint64{name: 1, "established": 1, "resumed": 0})
			check.Same(t, "entry", scene.StateOf(s.Entry(t, s.Client.IPv4)), scene.EntryState{State: pathstore.StateFree})
		})
	}
}

func TestModeOffNeverJumps(t *testing.T) {
	s := newStage(t, scene.MidPath)
	s.Policy(t, func(p *resume.Policy) { p.Mode = resume.ModeOff })
	s.Put(t, s.BDP())
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	p.Send(t, 100_000)
	s.Ended(t, p)
	s.Counted(t, map[string]uint64{"policy_off": 1, "learnt": 0})
}

// What becomes of the entry between ESTABLISHED and the first data decides.
func TestFlushEndsResuming(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, s.BDP())
			p := s.Greeted(t, cc, lab.DialSpec{})
			_, err := loaded.Store.Flush()
			check.Must(t, err)
			p.Send(t, 200_000)
			s.Ended(t, p, "reconnaissance, normal: forgotten")
		})
	}
}
