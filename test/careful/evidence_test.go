// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// What is saved is what was delivered, in bytes, at the time that is saved with it.

// Messages of 100 bytes are segments of 100 bytes: 7 kB in a round trip are no
// window of dozens of full segments.
func TestSmallMessagesAreCountedInBytes(t *testing.T) {
	s := newStage(t, lab.Path{RTT: 40 * time.Millisecond, Rate: 100e6})
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			p := s.Open(t, cc, lab.DialSpec{})
			wait := p.Messages(3000, 100, 500*time.Microsecond)
			wait(t)
			p.Reset(t)
			if entry, err := loaded.Store.Get(s.Client.IPv4, 0); err == nil {
				t.Errorf("a connection that sent 300 kB in a second and a half taught %v in a round trip of %v", entry.Cwnd, entry.RTT)
			}

			p = s.Open(t, cc, lab.DialSpec{})
			wait = p.Messages(10_000, 100, 0)
			wait(t)
			p.Reset(t)
			if entry, err := loaded.Store.Get(s.Client.IPv4, 0); err == nil && entry.Cwnd > 500_000 {
				t.Errorf("a connection that sent 1 MB in several round trips taught %v in one", entry.Cwnd)
			}
		})
	}
}

// What a jump has proven is not lost with the connection: neither is the saved
// window, which nothing speaks against, nor, where that is gone, what was validated.
func TestResumedConnectionLeavesWhatItProved(t *testing.T) {
	s := newStage(t, lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6})
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			s.Put(t, s.BDP())
			for range 3 {
				p := s.Greeted(t, cc, lab.DialSpec{})
				p.Send(t, 900_000)
				check.Same(t, "jump", s.Events.Change(t, p, "unvalidated").Jump, s.BDP().Cwnd/2)
				p.Reset(t)
				check.Same(t, "window for the next", s.Entry(t, s.Client.IPv4).Cwnd, s.BDP().Cwnd)
			}

			p := s.Greeted(t, cc, lab.DialSpec{})
			wait := p.Start(900_000)
			jump := s.Events.Change(t, p, "unvalidated")
			s.Events.Change(t, p, "validating")
			check.Must(t, s.Forget(s.Client.IPv4))
			wait(t)
			p.Reset(t)
			entry := s.Entry(t, s.Client.IPv4)
			check.Same(t, "source", entry.Source, resume.SourceLearnt)
			check.Between(t, "window learnt", entry.Cwnd, jump.Jump*9/10, s.BDP().Cwnd*11/10)
		})
	}
}

// A short connection saw less of a path than is known already, and says nothing against it.
func TestShortConnectionDoesNotReplaceALargerSet(t *testing.T) {
	s := newStage(t, scene.MidPath)
	report := resume.Path{Cwnd: s.BDP().Cwnd, RTT: s.Path().RTT, Source: resume.SourceApplication, Mode: resume.ModeOff}
	s.Put(t, report)
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	p.Send(t, 400_000)
	p.Reset(t)
	check.Same(t, "window", s.Entry(t, s.Client.IPv4).Cwnd, report.Cwnd)
	s.Counted(t, map[string]uint64{"learnt": 0, "learnt_older": 1})
}

// A lifetime runs from the observation: what was seen longer ago is not saved, and
// what is saved is as old as it is.
func TestObservationsAge(t *testing.T) {
	s := newStage(t, scene.MidPath)
	const lifetime = 2 * time.Second
	s.Policy(t, func(p *resume.Policy) { p.Lifetime = lifetime })
	connection := func(idle time.Duration) {
		p := s.Greeted(t, "cubic", lab.DialSpec{})
		p.Send(t, 2_000_000)
		time.Sleep(idle)
		p.Send(t, 3000)
		p.Reset(t)
	}
	connection(lifetime + 500*time.Millisecond)
	if entry, err := loaded.Store.Get(s.Client.IPv4, 0); err == nil {
		t.Errorf("%v of before its lifetime was saved as if it were new: it lasts %v more", entry.Cwnd, entry.TTL)
	}
	connection(time.Second)
	check.Between(t, "what is left of the lifetime", s.Entry(t, s.Client.IPv4).TTL, 0, lifetime-time.Second)
}

// An idle connection that waits for its chance is its own congestion control's
// again once the set has expired.
func TestExpiredSetLetsItsConnectionGo(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range []string{"cubic", "reno"} {
		t.Run(cc, func(t *testing.T) {
			saved := s.BDP()
			saved.TTL = time.Second
			s.Put(t, saved)
			p := s.Greeted(t, cc, lab.DialSpec{})
			check.Same(t, "congestion control", scene.Control(t, p.Server), "resume_"+cc)
			time.Sleep(saved.TTL)
			p.Send(t, 3000)
			p.Send(t, 3000)
			check.Same(t, "congestion control", scene.Control(t, p.Server), cc)
			s.Ended(t, p, "reconnaissance, normal: expired_meanwhile")
		})
	}
}
