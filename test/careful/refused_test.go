// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
)

// The measured minimum is a little above the propagation delay of 40 ms.
func TestRTTOutOfBoundsIsNoJump(t *testing.T) {
	s := newStage(t, midPath)
	for name, c := range map[string]struct {
		rtt   time.Duration
		jumps bool
	}{
		"path is half as long":        {rtt: 90 * time.Millisecond},
		"path is a little above half": {rtt: 76 * time.Millisecond, jumps: true},
		"path is ten times as long":   {rtt: 3900 * time.Microsecond},
		"path is as saved":            {rtt: 40 * time.Millisecond, jumps: true},
		"path is three times as long": {rtt: 12 * time.Millisecond, jumps: true},
	} {
		for _, cc := range controls {
			t.Run(name+" "+cc, func(t *testing.T) {
				s.put(t, resume.Path{Cwnd: 8_000_000, RTT: c.rtt})
				p := s.greeted(t, cc, lab.DialSpec{})
				if c.jumps {
					wait := p.start(200_000)
					between(t, "jump", s.Events.change(t, p, "unvalidated").Jump, 60_000, 1<<20)
					wait(t)
					p.reset(t)
					return
				}
				cold := info(t, p.server).Snd_cwnd
				wait := p.start(200_000)
				change := s.Events.change(t, p, "normal")
				same(t, "window", change.Cwnd, cold)
				wait(t)
				s.ended(t, p, "reconnaissance, normal: rtt_not_validated")
			})
		}
	}
}

func TestEntriesThatCarefulCannotUse(t *testing.T) {
	s := newStage(t, midPath)
	saved := s.bdp()
	for name, path := range map[string]resume.Path{
		"no_saved_rtt":     {Cwnd: saved.Cwnd},
		"window_too_small": {Cwnd: 50_000, RTT: saved.RTT},
	} {
		t.Run(name, func(t *testing.T) {
			s.put(t, path)
			p := s.greeted(t, "cubic", lab.DialSpec{})
			same(t, "congestion control", control(t, p.server), "cubic")
			p.send(t, 100_000)
			s.ended(t, p)
			s.counted(t, map[string]uint64{name: 1, "established": 1, "resumed": 0})
			same(t, "entry", stateOf(s.entry(t, s.Client.IPv4)), entryState{State: pathstore.StateFree})
		})
	}
}

func TestModeOffNeverJumps(t *testing.T) {
	s := newStage(t, midPath)
	s.policy(t, func(p *resume.Policy) { p.Mode = resume.ModeOff })
	s.put(t, s.bdp())
	p := s.greeted(t, "cubic", lab.DialSpec{})
	p.send(t, 100_000)
	s.ended(t, p)
	s.counted(t, map[string]uint64{"policy_off": 1, "learnt": 0})
}

// What becomes of the entry between ESTABLISHED and the first data decides.
func TestExpiredSetIsDeleted(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		saved := s.bdp()
		saved.TTL = time.Second
		s.put(t, saved)
		p := s.greeted(t, cc, lab.DialSpec{})
		time.Sleep(1200 * time.Millisecond)
		wait := p.start(200_000)
		change := s.Events.change(t, p, "normal")
		between(t, "window", change.Cwnd, 10, 20)
		wait(t)
		s.ended(t, p, "reconnaissance, normal: expired_meanwhile")
		same(t, "entry", s.entry(t, s.Client.IPv4).State, pathstore.StateSpent)
	}
}

func TestFlushEndsResuming(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		s.put(t, s.bdp())
		p := s.greeted(t, cc, lab.DialSpec{})
		_, err := loaded.Store.Flush()
		must(t, err)
		p.send(t, 200_000)
		s.ended(t, p, "reconnaissance, normal: forgotten")
	}
}
