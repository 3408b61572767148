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

func TestLearnsWhatThePathCarries(t *testing.T) {
	s := newStage(t, lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6})
	bdp := resume.Bytes(s.Path().BDP())
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			first := s.Greeted(t, cc, lab.DialSpec{})
			first.Send(t, 8_000_000)
			_, err := loaded.Store.Get(s.Client.IPv4, 0)
			if err == nil {
				t.Error("there is an entry before the connection closed")
			}
			first.Reset(t)
			entry := s.Entry(t, s.Client.IPv4)
			check.Same(t, "source", entry.Source, resume.SourceLearnt)
			check.Same(t, "mode", entry.Mode, resume.ModeCareful)
			check.Between(t, "saved window", entry.Cwnd, bdp*8/10, bdp*11/10)
			check.Between(t, "saved RTT", entry.RTT, s.Path().RTT, s.Path().RTT+3*time.Millisecond)

			second := s.Greeted(t, cc, lab.DialSpec{})
			wait := second.Start(1_000_000)
			jump := s.Events.Change(t, second, "unvalidated")
			wait(t)
			check.Same(t, "jump", jump.Jump, entry.Cwnd/2)
			check.Same(t, "source of the event", jump.Source, resume.SourceLearnt)
			second.Reset(t)
		})
	}
}

func TestShortConnectionsAreNotSaved(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			p := s.Greeted(t, cc, lab.DialSpec{})
			p.Send(t, 40_000)
			p.Reset(t)
			if entry, err := loaded.Store.Get(s.Client.IPv4, 0); err == nil {
				t.Errorf("%s: %d bytes were saved", cc, entry.Cwnd)
			}
		})
	}
	s.Counted(t, map[string]uint64{"learnt": 0})
}

func TestNothingIsLearntAgainstThePolicy(t *testing.T) {
	s := newStage(t, scene.MidPath)
	s.Policy(t, func(p *resume.Policy) { p.Learn = false })
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	p.Send(t, 1_500_000)
	p.Reset(t)
	s.Counted(t, map[string]uint64{"learnt": 0, "learnt_too_small": 0, "learnt_older": 0})
}

// RFC 9959 3.1: one set per endpoint, replaced by what is newer, whoever reported it.
func TestLaterObservationReplaces(t *testing.T) {
	s := newStage(t, scene.MidPath)
	report := resume.Path{Cwnd: 200_000, RTT: s.Path().RTT, Source: resume.SourceApplication}
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			p := s.Greeted(t, cc, lab.DialSpec{})
			p.Send(t, 1_500_000)
			s.Put(t, report)
			p.Reset(t)
			entry := s.Entry(t, s.Client.IPv4)
			check.Same(t, "a fresher report", entry.Source, resume.SourceApplication)
			check.Same(t, "its window", entry.Cwnd, report.Cwnd)
			s.Counted(t, map[string]uint64{"learnt": 0, "learnt_older": 1})

			p = s.Greeted(t, cc, lab.DialSpec{})
			p.Send(t, 3_000_000)
			s.Ended(t, p, jumps, validates, fills, isFull)
			entry = s.Entry(t, s.Client.IPv4)
			check.Same(t, "what the resumed connection saw", entry.Source, resume.SourceLearnt)
			check.Same(t, "state", entry.State, pathstore.StateFree)
			s.Counted(t, map[string]uint64{"learnt": 1, "learnt_older": 0})
			n := 0
			for _, err := range loaded.Store.Entries() {
				check.Must(t, err)
				n++
			}
			check.Same(t, "sets of the peer", n, 1)
		})
	}
}

func TestIdleMomentDoesNotSpoilTheSet(t *testing.T) {
	s := newStage(t, scene.MidPath)
	bdp := resume.Bytes(s.Path().BDP())
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	p.Send(t, 4_000_000)
	for range 3 {
		time.Sleep(300 * time.Millisecond)
		p.Send(t, 3000)
	}
	p.Reset(t)
	check.Between(t, "saved window", s.Entry(t, s.Client.IPv4).Cwnd, bdp*8/10, bdp*11/10)
}
