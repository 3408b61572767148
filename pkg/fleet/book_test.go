// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"net/netip"
	"testing"
	"time"
)

func TestTheBookForgetsWhatHasExpired(t *testing.T) {
	b := newBook(0)
	one, two := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	m := b.member("m")
	b.set(one, known{op: OpPut, from: m, held: true, expires: int64(10 * time.Second)})
	b.set(two, known{op: OpPut, from: m, held: true, expires: int64(10 * time.Second)})
	b.set(two, known{op: OpPut, from: m, held: true, expires: int64(30 * time.Second)}) // renewed
	if b.held != 2 || m.paths != 2 {
		t.Errorf("%d held, %d of m", b.held, m.paths)
	}
	for _, step := range []struct {
		at          time.Duration
		peers, held int
	}{{9 * time.Second, 2, 2}, {12 * time.Second, 1, 1}, {29 * time.Second, 1, 1}, {40 * time.Second, 0, 0}} {
		if b.sweep(int64(step.at)); len(b.peers) != step.peers || b.held != step.held || m.paths != step.held {
			t.Errorf("after %v: %d peers, %d held, %d of m", step.at, len(b.peers), b.held, m.paths)
		}
	}
	if len(b.due) != 0 {
		t.Errorf("%d lists are left", len(b.due))
	}
}

// Strangers cannot make it grow by inventing names.
func TestMembersAreBounded(t *testing.T) {
	b := newBook(0)
	for i := range 2 * maxMembers {
		b.member(time.Duration(i).String())
	}
	if len(b.members) > maxMembers+1 {
		t.Errorf("%d members", len(b.members))
	}
}

func TestLooksAreBoundedAndMerged(t *testing.T) {
	l := newLooks(3)
	peer := func(i byte) netip.Addr { return netip.AddrFrom4([4]byte{192, 0, 2, i}) }
	for i := byte(1); i <= 5; i++ {
		l.add(look{peer: peer(i)})
	}
	l.add(look{peer: peer(5), cause: deleted})
	l.postpone(look{peer: peer(9)}, 100)
	if waiting, dropped, merged := l.counts(); waiting != 4 || dropped != 2 || merged != 1 {
		t.Errorf("%d wait, %d dropped, %d merged", waiting, dropped, merged)
	}
	taken, next := l.take(10, 50)
	if len(taken) != 3 || taken[2].peer != peer(5) || taken[2].cause != deleted || next != 50 {
		t.Errorf("took %v, next after %v", taken, next)
	}
	if taken, _ = l.take(10, 100); len(taken) != 1 || taken[0].peer != peer(9) {
		t.Errorf("took %v of the postponed", taken)
	}
}
