// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
)

func TestAReportIsThereOnTheOthers(t *testing.T) {
	b := newBus(t, nil)
	one, two := join(t, config(b, "one")).live(t), join(t, config(b, "two")).live(t)
	for _, peer := range []netip.Addr{peer4, peer6} {
		one.report(t, peer, 300_000)
		check.Eventually(t, patience, "the entry on the other machine", func() bool { return two.has(peer, 300_000) })
		here, err := one.maps.Get(peer, 0)
		check.Must(t, err)
		there, err := two.maps.Get(peer, 0)
		check.Must(t, err)
		if there.TTL+there.Age > here.TTL+here.Age {
			t.Errorf("it lives until %v there, until %v here", there.TTL+there.Age, here.TTL+here.Age)
		}
		want := here.Path
		want.TTL, want.Source = there.TTL, resume.SourceFleet
		check.Same(t, "path", there.Path, want)
	}
	check.Same(t, "sources", two.Status().Sources, map[string]int{"one": 2})
	one.counted(t, map[string]uint64{"out_put": 2, "in_stored": 0})
	two.counted(t, map[string]uint64{"out_put": 0, "in_stored": 2})
}

// moment is longer than that within which two machines cannot tell what came first.
const moment = 200 * time.Millisecond

func TestAClaimARetreatAndADeletionRemoveTheEntryElsewhere(t *testing.T) {
	b := newBus(t, nil)
	one, two := join(t, config(b, "one")).live(t), join(t, config(b, "two")).live(t)
	three := join(t, config(b, "three")).live(t)
	all := []*machine{one, two, three}
	everywhere := func(what string, done func(m *machine) bool) {
		t.Helper()
		for _, m := range all {
			check.Eventually(t, patience, what, func() bool { return done(m) })
		}
	}
	one.report(t, peer4, 300_000)
	everywhere("the entry", func(m *machine) bool { return m.has(peer4, 300_000) })

	two.maps.turn(peer4, pathstore.StateInUse, "") // of a connection on another machine than the reporter's
	two.Look(peer4)
	check.Eventually(t, patience, "the claim on one", func() bool { return one.lacks(peer4) })
	check.Eventually(t, patience, "the claim on three", func() bool { return three.lacks(peer4) })

	two.maps.turn(peer4, pathstore.StateFree, "") // the connection closed well
	two.Look(peer4)
	everywhere("the returned entry", func(m *machine) bool { return m.has(peer4, 300_000) })

	three.maps.turn(peer4, pathstore.StateSpent, "packet_loss")
	three.Look(peer4)
	check.Eventually(t, patience, "the retreat on one", func() bool { return one.lacks(peer4) })
	check.Eventually(t, patience, "the retreat on two", func() bool { return two.lacks(peer4) })

	time.Sleep(moment)
	one.report(t, peer4, 200_000)
	everywhere("a new report", func(m *machine) bool { return m.has(peer4, 200_000) })
	check.Must(t, three.maps.Delete(peer4, 0))
	three.Deleted(peer4)
	everywhere("the deletion", func(m *machine) bool { return m.lacks(peer4) })
	two.counted(t, map[string]uint64{"in_stored": 2, "out_claim": 1, "out_put": 1, "in_gone": 2})
}
