// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

func TestASingleEntryServesOneConnectionOnce(t *testing.T) {
	s := newStage(t, shortPath)
	s.put(t, resume.Path{Cwnd: 200_000, Sharing: resume.SharingSingle})
	listener := s.listen(t, lab.ListenSpec{Cgroup: loaded.Cgroup})

	first := s.dial(t, listener, lab.DialSpec{})
	s.expect(t, resumedOnce)
	check.Same(t, "entry of a live connection", stateOf(s.entry(t, s.Client.IPv4)), entryState{pathstore.StateInUse, cookie(t, first.server), 1})

	second := s.dial(t, listener, lab.DialSpec{})
	check.Same(t, "windows of the second", windowsOf(t, second.server), cold)
	s.expect(t, counts{"established": 1, "already_in_use": 1})

	first.reset(t)
	s.expect(t, closedEarly)
	check.Same(t, "entry afterwards", stateOf(s.entry(t, s.Client.IPv4)), entryState{State: pathstore.StateSpent, Uses: 1})

	third := s.dial(t, listener, lab.DialSpec{})
	check.Same(t, "windows of the third", windowsOf(t, third.server), cold)
	s.expect(t, counts{"established": 1, "already_in_use": 1})
}

func TestASharedEntryServesEveryConnection(t *testing.T) {
	s := newStage(t, shortPath)
	s.put(t, resume.Path{Cwnd: 200_000, Sharing: resume.SharingShared})
	listener := s.listen(t, lab.ListenSpec{Cgroup: loaded.Cgroup})
	var pairs []pair
	for range 3 {
		p := s.dial(t, listener, lab.DialSpec{})
		check.Same(t, "windows", windowsOf(t, p.server), windows{uint32(200_000 / mss(t, p.server)), lab.InfiniteSsthresh})
		pairs = append(pairs, p)
	}
	s.expect(t, resumedOnce.times(3))
	for _, p := range pairs {
		p.reset(t)
	}
	s.expect(t, closedEarly.times(3))
	check.Same(t, "entry", stateOf(s.entry(t, s.Client.IPv4)), entryState{State: pathstore.StateFree, Uses: 3})
}

// What a connection holds is the entry that it read, not what was stored since.
func TestANewReportIsFreeAlthoughTheOldOneIsInUse(t *testing.T) {
	s := newStage(t, shortPath)
	s.put(t, resume.Path{Cwnd: 200_000})
	listener := s.listen(t, lab.ListenSpec{Cgroup: loaded.Cgroup})
	first := s.dial(t, listener, lab.DialSpec{})
	s.put(t, resume.Path{Cwnd: 300_000})
	first.reset(t)
	s.expect(t, resumedOnce.plus(closedEarly))
	check.Same(t, "the new entry", stateOf(s.entry(t, s.Client.IPv4)), entryState{State: pathstore.StateFree, Uses: 1})
	second := s.dial(t, listener, lab.DialSpec{})
	check.Same(t, "windows of the second", windowsOf(t, second.server), windows{uint32(300_000 / mss(t, second.server)), lab.InfiniteSsthresh})
	s.expect(t, resumedOnce)
}

// An expired entry is taken out of use, but what replaces it counts at once.
func TestAnExpiredEntryIsSpent(t *testing.T) {
	s := newStage(t, shortPath)
	listener := s.listen(t, lab.ListenSpec{Cgroup: loaded.Cgroup})
	s.put(t, resume.Path{Cwnd: 200_000, TTL: 1})
	s.dial(t, listener, lab.DialSpec{})
	s.expect(t, counts{"established": 1, "lifetime_exceeded": 1})
	check.Same(t, "entry", stateOf(s.entry(t, s.Client.IPv4)), entryState{State: pathstore.StateSpent})
	s.put(t, resume.Path{Cwnd: 200_000})
	s.dial(t, listener, lab.DialSpec{})
	s.expect(t, resumedOnce)
}

// The kernel charges socket storage to the socket's option memory, which a
// namespace may limit: the only way to run out of memory on purpose.
func TestWithoutMemoryTheClaimIsReturned(t *testing.T) {
	s := newStage(t, shortPath)
	s.put(t, resume.Path{Cwnd: 200_000})
	check.Must(t, s.Server.Sysctl("net.core.optmem_max", "16"))
	p := s.connect(t, lab.ListenSpec{}, lab.DialSpec{})
	check.Same(t, "windows", windowsOf(t, p.server), cold)
	check.Same(t, "congestion control", scene.Control(t, p.server), "cubic")
	s.expect(t, counts{"established": 1, "no_memory": 1})
	check.Same(t, "entry", stateOf(s.entry(t, s.Client.IPv4)), entryState{State: pathstore.StateFree})

	check.Must(t, s.Server.Sysctl("net.core.optmem_max", "131072"))
	s.connect(t, lab.ListenSpec{}, lab.DialSpec{})
	s.expect(t, resumedOnce)
}

type entryState struct {
	State  pathstore.State
	Holder uint64
	Uses   uint32
}

func stateOf(entry pathstore.Entry) entryState {
	return entryState{entry.State, entry.Holder, entry.Uses}
}
