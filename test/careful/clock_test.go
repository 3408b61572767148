// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// Whoever writes the map with another clock, such as that of the day, must not
// outlive the policy's lifetime. No lifetime can be counted from a time to come.
func TestAnEntryFromTheFutureIsNotUsed(t *testing.T) {
	s := newStage(t, scene.MidPath)
	ahead := func(by time.Duration) func(*bytecode.KernelResumePath) {
		return func(val *bytecode.KernelResumePath) {
			val.StoredNs = bootTime(t, by)
			val.ExpiresNs = val.StoredNs + uint64(time.Minute)
		}
	}
	saved := s.BDP()
	saved.Mode = resume.ModeCareful
	for name, by := range map[string]time.Duration{"two seconds": 2 * time.Second, "by the clock of the day": 50 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			s.Counted(t, map[string]uint64{}) // from here
			s.Put(t, saved)
			rewrite(t, s.Client.IPv4, ahead(by))
			check.Same(t, "state that get shows", s.Entry(t, s.Client.IPv4).State, pathstore.StateDamaged)
			p := s.Greeted(t, "cubic", lab.DialSpec{})
			s.Counted(t, map[string]uint64{"lifetime_exceeded": 1, "resumed": 0})
			check.Same(t, "state afterwards", s.Entry(t, s.Client.IPv4).State, pathstore.StateSpent)
			p.Reset(t)

			s.Put(t, saved)
			p = s.Greeted(t, "cubic", lab.DialSpec{})
			rewrite(t, s.Client.IPv4, ahead(by)) // before the jump
			p.Send(t, 200_000)
			s.Ended(t, p, "reconnaissance, normal: expired_meanwhile")
		})
	}
	t.Run("a moment", func(t *testing.T) { // clocks of two processors
		s.Put(t, saved)
		rewrite(t, s.Client.IPv4, ahead(500*time.Millisecond))
		check.Same(t, "state", s.Entry(t, s.Client.IPv4).State, pathstore.StateFree)
		p := s.Greeted(t, "cubic", lab.DialSpec{})
		p.Send(t, 200_000)
		check.Same(t, "story", s.Events.Story(p)[:1], []string{jumps})
		p.Reset(t)
	})
}

// What a connection saw is as old as it is, however long the connection goes on,
// and the round-trip time is of the same moment.
func TestWhatIsLearntIsAsOldAsItsObservation(t *testing.T) {
	const since = 1500 * time.Millisecond
	s := newStage(t, scene.MidPath)
	for name, lifetime := range map[string]time.Duration{
		"within its lifetime": time.Minute, "beyond it": time.Second, "within one that began before the machine": resume.MaxTTL,
	} {
		t.Run(name, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			s.Policy(t, func(p *resume.Policy) { p.Lifetime = lifetime })
			p := s.Greeted(t, "cubic", lab.DialSpec{})
			p.Send(t, 3_000_000)
			shorter := scene.MidPath
			shorter.RTT /= 2
			check.Must(t, s.SetPath(shorter))
			t.Cleanup(func() { check.Must(t, s.SetPath(scene.MidPath)) })
			time.Sleep(since)
			p.Send(t, 1000) // finds the shorter path
			p.Reset(t)
			if lifetime < since {
				s.Counted(t, map[string]uint64{"learnt": 0, "learnt_expired": 1})
				_, err := loaded.Store.Get(s.Client.IPv4, 0)
				check.Same(t, "an entry is there", err == nil, false)
				return
			}
			s.Counted(t, map[string]uint64{"learnt": 1, "learnt_expired": 0})
			entry := s.Entry(t, s.Client.IPv4)
			if entry.Age < since {
				t.Errorf("the entry is %v old, its observation at least %v", entry.Age, since)
			}
			check.Between(t, "lifetime left", entry.TTL, 0, lifetime-since)
			check.Between(t, "RTT", entry.RTT, scene.MidPath.RTT, scene.MidPath.RTT*5/4)
		})
	}
}

// An operator who shares an entry, or has it applied exactly, means it for every connection.
func TestLearningLeavesWhatAnOperatorStored(t *testing.T) {
	s := newStage(t, scene.MidPath)
	shared, exact, plain := s.BDP(), s.BDP(), s.BDP()
	shared.Sharing = resume.SharingShared
	exact.Mode = resume.ModeExact
	less := plain // than a connection will see
	less.Cwnd /= 2
	reported := shared
	reported.Source, reported.Cwnd = resume.SourceApplication, less.Cwnd
	for name, c := range map[string]struct {
		path   resume.Path
		policy func(*resume.Policy)
		stands bool
	}{
		"shared":                   {path: shared, stands: true},
		"shared by policy":         {path: plain, policy: func(p *resume.Policy) { p.Sharing = resume.SharingShared }, stands: true},
		"exact, which it uses up":  {path: exact, stands: true},
		"exact by policy":          {path: plain, policy: func(p *resume.Policy) { p.Mode = resume.ModeExact }, stands: true},
		"neither":                  {path: less},
		"shared by an application": {path: reported},
	} {
		for _, on := range sides() {
			t.Run(name+" "+on.String(), func(t *testing.T) {
				s.Policy(t, func(p *resume.Policy) {
					if c.policy != nil {
						c.policy(p)
					}
				})
				peer := s.Client.Addr(on.ipv6)
				check.Must(t, s.Forget(peer))
				c.path.Peer = peer
				s.Put(t, c.path)
				s.Counted(t, map[string]uint64{}) // from here
				for range 2 {                     // the second finds what the first has left
					p := s.from(t, on, "cubic")
					p.Send(t, 1_500_000)
					p.Reset(t)
				}
				want := resume.SourceLearnt
				if c.stands {
					want = c.path.Source
					if want == "" {
						want = resume.SourceOperator
					}
				}
				check.Same(t, "source", s.Entry(t, peer).Source, want)
				if c.stands {
					check.Same(t, "window", s.Entry(t, peer).Cwnd, c.path.Cwnd)
					s.Counted(t, map[string]uint64{"learnt": 0, "learnt_operator_stands": 2})
				}
			})
		}
	}
	t.Run("expired", func(t *testing.T) {
		s.Policy(t, func(*resume.Policy) {})
		shared.TTL, shared.Peer = time.Second, s.Client.IPv4
		s.Put(t, shared)
		p := s.Greeted(t, "cubic", lab.DialSpec{})
		time.Sleep(shared.TTL)
		p.Send(t, 1_500_000)
		p.Reset(t)
		check.Same(t, "source", s.Entry(t, s.Client.IPv4).Source, resume.SourceLearnt)
	})
}
