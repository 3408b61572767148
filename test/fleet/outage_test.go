// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"encoding/binary"
	"maps"
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/wire"
)

// peerN is the n-th address of 100.64.0.0/10 and on.
func peerN(n int) netip.Addr {
	var addr [4]byte
	binary.BigEndian.PutUint32(addr[:], 100<<24+64<<16+uint32(n))
	return netip.AddrFrom4(addr)
}

func equal(ms ...*machine) func() bool {
	return func() bool {
		for _, m := range ms[1:] {
			if !maps.Equal(m.maps.contents(), ms[0].maps.contents()) {
				return false
			}
		}
		return true
	}
}

func TestALateJoinerGetsWhatLives(t *testing.T) {
	const paths = 5000
	b := newBus(t, nil)
	one := join(t, config(b, "one")).live(t)
	for i := range paths {
		one.report(t, peerN(i), resume.Bytes(100_000+i))
	}
	one.maps.turn(peerN(1), pathstore.StateSpent, "packet_loss")
	one.Look(peerN(1))
	check.Eventually(t, patience, "publishing", func() bool { s := one.Status(); return s.Waiting == 0 && s.Counts["in_own"] >= paths })
	two := join(t, config(b, "two")).live(t)
	check.Eventually(t, patience, "the same paths", equal(one, two))
	if s := two.Status(); s.Want != paths || s.Have != paths || s.Held != paths-1 {
		t.Errorf("joined with %d of %d changes, holds %d", s.Have, s.Want, s.Held)
	}
	left, err := one.maps.Get(peerN(2), 0)
	check.Must(t, err)
	got, err := two.maps.Get(peerN(2), 0)
	check.Must(t, err)
	if d := left.TTL - got.TTL; d < -time.Second || d > time.Second {
		t.Errorf("%v are left there, %v here", left.TTL, got.TTL)
	}
}

// The bucket is in the server's memory: all is lost with it, and comes back from
// the machines.
func TestAServerKilledAndRestarted(t *testing.T) {
	b := newBus(t, nil)
	one, two := join(t, config(b, "one")).live(t), join(t, config(b, "two")).live(t)
	for i := range 100 {
		one.report(t, peerN(i), 100_000)
	}
	check.Eventually(t, patience, "the same paths", equal(one, two))
	b.stop()
	check.Eventually(t, patience, "being alone", func() bool {
		return one.Status().State == fleet.StateAlone && two.Status().State == fleet.StateAlone
	})
	for i := 50; i < 150; i++ { // meanwhile
		one.report(t, peerN(i), 200_000)
		two.report(t, peerN(i+100), 300_000)
	}
	two.maps.turn(peerN(3), pathstore.StateSpent, "packet_loss")
	two.Look(peerN(3))
	b.start(t)
	one.live(t)
	two.live(t)
	check.Eventually(t, patience, "the same paths", equal(one, two))
	if n := len(two.maps.contents()); n != 249 {
		t.Errorf("%d paths, want 249", n)
	}
	three := join(t, config(b, "three")).live(t)
	check.Eventually(t, patience, "a late joiner has them", equal(one, three))
}

func TestAnAgentCutOff(t *testing.T) {
	b := newBus(t, nil)
	w, err := wire.New(b.Addr().String())
	check.Must(t, err)
	t.Cleanup(w.Close)
	c := config(b, "two")
	c.URL = "nats://" + w.Addr()
	one, two := join(t, config(b, "one")).live(t), join(t, c).live(t)
	one.report(t, peerN(1), 100_000)
	one.report(t, peerN(2), 100_000)
	check.Eventually(t, patience, "the same paths", equal(one, two))
	w.Sever(true)
	check.Eventually(t, patience, "being alone", func() bool { return two.Status().State == fleet.StateAlone })
	one.report(t, peerN(3), 300_000)
	two.report(t, peerN(4), 400_000)
	two.maps.turn(peerN(1), pathstore.StateSpent, "rto")
	two.Look(peerN(1))
	check.Must(t, one.maps.Delete(peerN(2), 0))
	one.Deleted(peerN(2))
	two.report(t, peerN(5), 500_000)
	time.Sleep(moment)
	one.report(t, peerN(5), 600_000) // the newer one counts, though the other is published later
	w.Sever(false)
	two.live(t)
	check.Eventually(t, patience, "the same paths", equal(one, two))
	want := map[netip.Addr]resume.Bytes{peerN(3): 300_000, peerN(4): 400_000, peerN(5): 600_000}
	if got := two.maps.contents(); !maps.Equal(got, want) {
		t.Errorf("paths are %v, want %v", got, want)
	}
	three := join(t, config(b, "three")).live(t)
	check.Eventually(t, patience, "a late joiner has them", equal(one, three))
}

// What waits is bounded, and what does not fit is counted.
func TestAQueueThatIsFull(t *testing.T) {
	b := newBus(t, nil)
	c := config(b, "one")
	c.Queue = 10
	one, two := join(t, c).live(t), join(t, config(b, "two")).live(t)
	b.stop()
	check.Eventually(t, patience, "being alone", func() bool { return one.Status().State == fleet.StateAlone })
	for i := range 25 {
		one.report(t, peerN(i), 100_000)
		one.report(t, peerN(i), 200_000) // one look
	}
	if s := one.Status(); s.Waiting != 10 || s.Counts["out_dropped"] != 15 || s.Counts["out_merged"] != 25 {
		t.Errorf("%d wait, %d were dropped, %d merged", s.Waiting, s.Counts["out_dropped"], s.Counts["out_merged"])
	}
	b.start(t)
	two.live(t)
	check.Eventually(t, patience, "the latest", func() bool { return len(two.maps.contents()) == 10 && two.has(peerN(24), 200_000) })
}

// A slow one holds nobody, and gets what is the latest.
func TestASlowAgent(t *testing.T) {
	b := newBus(t, nil)
	c := config(b, "one")
	c.Interval = 0
	one, two, slow := join(t, c).live(t), join(t, config(b, "two")).live(t), join(t, config(b, "slow")).live(t)
	slow.maps.mu.Lock()
	slow.maps.slow = time.Millisecond
	slow.maps.mu.Unlock()
	for round := range 10 {
		for i := range 100 {
			one.report(t, peerN(i), resume.Bytes(100_000+round))
		}
		time.Sleep(5 * time.Millisecond)
	}
	check.Eventually(t, patience, "the same paths on the fast ones", equal(one, two))
	check.Eventually(t, patience, "and on the slow one", equal(one, slow))
}

// A process that begins again with the maps of before changes nothing.
func TestAnAgentRestarted(t *testing.T) {
	b := newBus(t, nil)
	one, two := join(t, config(b, "one")).live(t), join(t, config(b, "two")).live(t)
	for i := range 10 {
		one.report(t, peerN(i), 100_000)
	}
	check.Eventually(t, patience, "the same paths", equal(one, two))
	one.stop()
	one.enter(t, config(b, "one"))
	one.live(t)
	e, err := one.maps.Get(peerN(0), 0)
	check.Must(t, err)
	check.Same(t, "source", e.Source, resume.SourceApplication)
	one.maps.turn(peerN(0), pathstore.StateSpent, "packet_loss")
	one.Look(peerN(0))
	check.Eventually(t, patience, "the retreat", func() bool { return two.lacks(peerN(0)) })
}
