// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
)

func (s *stage) learning(t *testing.T) {
	t.Helper()
	s.policy(t, func(p *resume.Policy) { p.Learn = true })
}

func TestLearnsWhatThePathCarries(t *testing.T) {
	s := newStage(t, lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6})
	s.learning(t)
	bdp := resume.Bytes(s.Path().BDP())
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			must(t, deleted(s.Client.IPv4))
			first := s.greeted(t, cc, lab.DialSpec{})
			first.send(t, 8_000_000)
			_, err := loaded.Store.Get(s.Client.IPv4, 0)
			if err == nil {
				t.Error("there is an entry before the connection closed")
			}
			first.reset(t)
			entry := s.entry(t, s.Client.IPv4)
			same(t, "source", entry.Source, resume.SourceLearnt)
			same(t, "mode", entry.Mode, resume.ModeCareful)
			between(t, "saved window", entry.Cwnd, bdp*8/10, bdp*11/10)
			between(t, "saved RTT", entry.RTT, s.Path().RTT, s.Path().RTT+3*time.Millisecond)

			second := s.greeted(t, cc, lab.DialSpec{})
			wait := second.start(1_000_000)
			jump := s.Events.change(t, second, "unvalidated")
			wait(t)
			same(t, "jump", jump.Jump, entry.Cwnd/2)
			same(t, "source of the event", jump.Source, resume.SourceLearnt)
			second.reset(t)
		})
	}
}

func TestShortConnectionsAreNotSaved(t *testing.T) {
	s := newStage(t, midPath)
	s.learning(t)
	for _, cc := range controls {
		p := s.greeted(t, cc, lab.DialSpec{})
		p.send(t, 40_000)
		p.reset(t)
		if entry, err := loaded.Store.Get(s.Client.IPv4, 0); err == nil {
			t.Errorf("%s: %d bytes were saved", cc, entry.Cwnd)
		}
	}
	s.counted(t, map[string]uint64{"learnt": 0})
}

func TestNothingIsLearntAgainstThePolicy(t *testing.T) {
	s := newStage(t, midPath)
	p := s.greeted(t, "cubic", lab.DialSpec{})
	p.send(t, 1_500_000)
	p.reset(t)
	s.counted(t, map[string]uint64{"learnt": 0, "learnt_too_small": 0, "learnt_older": 0})
}

// RFC 9959 3.1: one set per endpoint, replaced by what is newer, whoever reported it.
func TestLaterObservationReplaces(t *testing.T) {
	s := newStage(t, midPath)
	s.learning(t)
	report := resume.Path{Cwnd: 150_000, RTT: s.Path().RTT, Source: resume.SourceApplication}
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			must(t, deleted(s.Client.IPv4))
			p := s.greeted(t, cc, lab.DialSpec{})
			p.send(t, 1_500_000)
			s.put(t, report)
			p.reset(t)
			entry := s.entry(t, s.Client.IPv4)
			same(t, "a fresher report", entry.Source, resume.SourceApplication)
			same(t, "its window", entry.Cwnd, report.Cwnd)
			s.counted(t, map[string]uint64{"learnt": 0, "learnt_older": 1})

			p = s.greeted(t, cc, lab.DialSpec{})
			p.send(t, 3_000_000)
			s.ended(t, p, jumps, validates, fills, isFull)
			entry = s.entry(t, s.Client.IPv4)
			same(t, "what the resumed connection saw", entry.Source, resume.SourceLearnt)
			same(t, "state", entry.State, pathstore.StateFree)
			s.counted(t, map[string]uint64{"learnt": 1, "learnt_older": 0})
			n := 0
			for _, err := range loaded.Store.Entries() {
				must(t, err)
				n++
			}
			same(t, "sets of the peer", n, 1)
		})
	}
}

func TestIdleMomentDoesNotSpoilTheSet(t *testing.T) {
	s := newStage(t, midPath)
	s.learning(t)
	bdp := resume.Bytes(s.Path().BDP())
	p := s.greeted(t, "cubic", lab.DialSpec{})
	p.send(t, 4_000_000)
	for range 3 {
		time.Sleep(300 * time.Millisecond)
		p.send(t, 3000)
	}
	p.reset(t)
	between(t, "saved window", s.entry(t, s.Client.IPv4).Cwnd, bdp*8/10, bdp*11/10)
}
