// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// step is one report and what is to become of it: a window that is stored, or why none is.
type step struct {
	after  time.Duration // since the step before
	report func(*resume.Report)
	cwnd   resume.Bytes
	held   string
}

func cwnd(n uint64) func(*resume.Report) { return func(r *resume.Report) { r.Cwnd = n } }

func of(id string, n uint64, more ...func(*resume.Report)) func(*resume.Report) {
	return func(r *resume.Report) {
		r.ID, r.Cwnd = id, n
		for _, change := range more {
			change(r)
		}
	}
}

func port(n uint16) func(*resume.Report) { return func(r *resume.Report) { r.Port = n } }
func lost(n uint64) func(*resume.Report) { return func(r *resume.Report) { r.Lost = n } }
func sent(n uint64) func(*resume.Report) { return func(r *resume.Report) { r.Sent = n } }
func at(ip string) func(*resume.Report) {
	return func(r *resume.Report) { r.Peer = netip.MustParseAddr(ip) }
}
func closed(r *resume.Report)                  { r.Event = resume.ReportClose }
func age(d time.Duration) func(*resume.Report) { return func(r *resume.Report) { r.Age = d } }

func TestConnectionsOfOnePeer(t *testing.T) {
	for name, steps := range map[string][]step{
		"a living connection is followed": {
			{report: cwnd(300_000), cwnd: 300_000}, {report: cwnd(500_000), cwnd: 500_000}, {report: cwnd(100_000), cwnd: 100_000},
		},
		"a new connection has learnt nothing": {
			{report: cwnd(12_800), held: ReasonNothing}, {report: cwnd(38_400), held: ReasonNothing}, {report: cwnd(32 * 1460), held: ReasonNothing},
			{report: cwnd(46 * 1460), held: ReasonNothing}, {report: cwnd(46*1460 + 1), cwnd: 46*1460 + 1},
		},
		"a connection that is mostly idle keeps its initial window": {
			{report: of("one", 32*1460, sent(900_000)), held: ReasonNothing},
		},
		"in slow start, half of what was sent is safe": {
			{report: of("one", 112_800, sent(100_000)), held: ReasonNothing},
			{report: of("one", 1_012_800, sent(1_000_000)), cwnd: 500_000},
			{report: of("one", 300_000, sent(299_999)), cwnd: 149_999}, {report: of("one", 300_000, sent(300_000)), cwnd: 300_000},
			{report: of("one", 300_000, sent(0)), cwnd: 300_000},
		},
		"a small window after a loss is the path's": {
			{report: of("one", 20_000, lost(1)), cwnd: 20_000},
		},
		"NAT rebinding resets the window, as quic-go does": {
			{report: of("one", 94_686, port(1)), cwnd: 94_686},
			{report: of("one", 38_400, port(2)), held: ReasonReset},
			{report: of("one", 60_000, port(2)), held: ReasonReset},
			{report: of("one", 107_495, port(2)), cwnd: 107_495},
			{report: of("one", 80_000, port(2)), cwnd: 80_000},
		},
		"NAT rebinding that keeps the window, as nginx does": {
			{report: of("one", 94_686, port(1)), cwnd: 94_686}, {report: of("one", 94_686, port(2)), cwnd: 94_686},
		},
		"a reset window that finds its limit counts": {
			{report: of("one", 300_000, port(1)), cwnd: 300_000},
			{report: of("one", 38_400, port(2)), held: ReasonReset},
			{report: of("one", 70_000, port(2), lost(4)), cwnd: 70_000},
		},
		"a reset without a new port": {
			{report: cwnd(300_000), cwnd: 300_000}, {report: cwnd(38_400), held: ReasonReset}, {report: cwnd(310_000), cwnd: 310_000},
		},
		"a collapse by loss is no reset": {
			{report: cwnd(300_000), cwnd: 300_000}, {report: of("one", 30_000, lost(9)), cwnd: 30_000},
		},
		"what was better before is forgotten with its lifetime": {
			{report: of("one", 300_000, port(1)), cwnd: 300_000},
			{report: of("one", 70_000, port(2)), held: ReasonReset},
			{after: 11 * time.Minute, report: of("one", 70_000, port(2)), cwnd: 70_000},
		},
		"the smallest of several living connections": {
			{report: of("one", 300_000), cwnd: 300_000}, {report: of("two", 100_000), cwnd: 100_000},
			{report: of("one", 400_000), cwnd: 100_000}, {report: of("two", 200_000), cwnd: 200_000},
		},
		"a closed connection counts until another speaks": {
			{report: of("one", 300_000), cwnd: 300_000}, {report: of("one", 100_000, closed), cwnd: 100_000},
			{report: of("two", 250_000), cwnd: 250_000}, {report: of("one", 1, closed, age(0)), held: ReasonReset},
		},
		"the last words of one of two leave the other's": {
			{report: of("one", 300_000), cwnd: 300_000}, {report: of("two", 200_000, closed), cwnd: 300_000},
		},
		"a silent connection stops counting": {
			{report: of("one", 100_000), cwnd: 100_000}, {report: of("two", 300_000), cwnd: 100_000},
			{after: 2 * time.Minute, report: of("two", 300_000), cwnd: 300_000},
		},
		"without ids the port tells connections apart": {
			{report: of("", 300_000, port(1)), cwnd: 300_000}, {report: of("", 100_000, port(2)), cwnd: 100_000}, {report: of("", 70_000, port(1)), cwnd: 70_000},
		},
		"older samples come too late": {
			{report: cwnd(300_000), cwnd: 300_000},
			{report: of("one", 200_000, age(time.Second)), held: ReasonOlder},
			{report: of("two", 400_000, age(time.Second)), held: ReasonOlder},
			{after: 2 * time.Second, report: of("one", 250_000, age(time.Second)), cwnd: 250_000},
		},
		"a sample beyond the lifetime": {
			{report: of("one", 300_000, age(10*time.Minute)), held: ReasonExpired},
		},
		"migration to another address takes nothing along": {
			{report: of("one", 300_000), cwnd: 300_000},
			{report: of("one", 300_000, at("198.51.100.9"), sent(9_100_000)), held: ReasonReset},
			{report: of("one", 90_000, at("198.51.100.9"), sent(9_300_000)), cwnd: 90_000},
		},
		"migration that was noticed late has proven itself": {
			{report: of("one", 300_000), cwnd: 300_000},
			{report: of("one", 90_000, at("198.51.100.9"), sent(9_500_000)), cwnd: 90_000},
		},
		"losses of the old address do not make the new one's initial window true": {
			{report: of("one", 300_000, lost(5)), cwnd: 300_000},
			{report: of("one", 38_400, at("198.51.100.9"), lost(5), sent(9_500_000)), held: ReasonNothing},
		},
	} {
		t.Run(name, func(t *testing.T) {
			tracker, now := newTracker(), time.Now()
			for i, s := range steps {
				now = now.Add(s.after + time.Millisecond)
				r := grown(s.report)
				path, held, _ := tracker.judge(1, r, peerKey{addr: r.Peer}, defaultRules(), now)
				want := resume.Path{}
				if s.held == "" {
					want = stored(func(p *resume.Path) { p.Peer, p.Cwnd, p.TTL = r.Peer, s.cwnd, 10*time.Minute-r.Age })
					want.Ssthresh = path.Ssthresh // of losses, which other tests look at
				}
				if path != want || held != s.held {
					t.Errorf("step %d: got %+v, %q\n  want %+v, %q", i+1, path, held, want, s.held)
				}
			}
		})
	}
}

func defaultRules() rules {
	return rules{lifetime: 10 * time.Minute, fresh: DefaultFresh, sharedAfter: DefaultSharedAfter, maxPaths: 100}
}

func TestAnAddressOfManyIsLeftAlone(t *testing.T) {
	tracker, now := newTracker(), time.Now()
	for i := range 3 * DefaultSharedAfter {
		r := grown(of(fmt.Sprint(i), 300_000))
		_, held, _ := tracker.judge(1, r, peerKey{addr: r.Peer}, defaultRules(), now)
		want := ""
		if i >= DefaultSharedAfter {
			want = ReasonShared
		}
		if held != want {
			t.Errorf("connection %d is held by %q, want %q", i+1, held, want)
		}
	}
	if n := len(tracker.conns); n > DefaultSharedAfter+1 {
		t.Errorf("%d connections are remembered", n)
	}
	r := grown(of("0", 300_000))
	if path, held, _ := tracker.judge(1, r, peerKey{addr: r.Peer}, defaultRules(), now.Add(2*time.Minute)); held != "" || path.Cwnd != 300_000 {
		t.Errorf("when the others have gone: %+v, %q", path, held)
	}
}

func TestAUserHasSoManyPaths(t *testing.T) {
	tracker, now := newTracker(), time.Now()
	put := func(uid uint32, i int) []peerKey {
		r := grown(of(fmt.Sprint(uid, i), 300_000, at(fmt.Sprintf("203.0.%d.%d", i/256, i%256))))
		_, held, gone := tracker.judge(uid, r, peerKey{addr: r.Peer}, defaultRules(), now)
		if held != "" {
			t.Errorf("peer %d is held: %s", i, held)
		}
		return gone
	}
	for i := range 100 {
		if gone := put(1, i); gone != nil {
			t.Errorf("peer %d took the place of %v", i, gone)
		}
	}
	put(1, 0) // again, so that it is the latest
	if gone := put(2, 100); gone != nil {
		t.Errorf("another user took the place of %v", gone)
	}
	if gone, want := put(1, 101), (peerKey{addr: netip.MustParseAddr("203.0.0.1")}); len(gone) != 1 || gone[0] != want {
		t.Errorf("one too many took the place of %v, want %v", gone, want)
	}
	put(2, 101) // the peer is the other user's now
	if gone := put(1, 102); gone != nil {
		t.Errorf("with a place free, %v went", gone)
	}
	now = now.Add(time.Hour)
	if gone := put(1, 103); gone != nil || len(tracker.peers) != 3 {
		t.Errorf("expired ones: %v went, %d are left", gone, len(tracker.peers))
	}
}
