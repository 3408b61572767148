// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// outcome reads what has become of a peer's entry and says what of it is worth
// telling. What is told is the state at this moment, so that a change that was
// missed, or seen twice, or late, does no harm. Of the look it makes one at the
// entry's key, which many peers may share.
func (f *Fleet) outcome(l *look) (Change, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.clock.now()
	at, err := f.place(l.peer)
	if err != nil {
		f.countedError("out_failed", err)
		return Change{}, false
	}
	l.peer = at.peer
	if !covers(f.config.Out, at.peer) {
		f.counts.add("out_kept")
		return Change{}, false
	}
	k := f.book.peers[at.peer]
	e, err := f.opts.Maps.Get(at.peer, at.scope)
	switch {
	case errors.Is(err, pathstore.ErrNotFound):
		return f.absent(*l, k, now)
	case err != nil:
		f.countedError("out_failed", err)
		return Change{}, false
	}
	switch e.State {
	case pathstore.StateFree:
		return f.free(*l, k, e, now)
	case pathstore.StateInUse:
		return f.taken(*l, k, e, now)
	case pathstore.StateSpent:
		return f.spent(*l, k, e, now)
	}
	return Change{}, false
}

// absent is an entry that the operator deleted; one that the map had no room for
// is gone here only.
func (f *Fleet) absent(l look, k *known, now int64) (Change, bool) {
	switch {
	case k != nil && k.own && k.op == OpGone && k.unsent:
		return f.again(l, k, now), true
	case l.cause != deleted || k != nil && k.op == OpGone:
		return Change{}, false
	}
	expires := now + int64(f.config.Lifetime)
	if k != nil {
		expires = k.expires
	}
	return f.tell(l, known{op: OpGone, own: true, since: now, expires: expires, why: "deleted"}, now), true
}

// free is an entry that the next connection gets.
func (f *Fleet) free(l look, k *known, e pathstore.Entry, now int64) (Change, bool) {
	since := now - int64(e.Age)
	next := known{
		op: OpPut, own: true, since: since, expires: now + int64(e.TTL), published: now,
		cwnd: e.Cwnd, ssthresh: e.Ssthresh, rtt: e.RTT, mode: e.Mode, source: e.Source,
	}
	released := k != nil && k.own && k.op == OpClaim
	switch {
	case released:
		next.since = now
		if e.Source == resume.SourceFleet { // as it was there, not as it was cut here
			next.cwnd, next.ssthresh, next.mode, next.source = k.cwnd, k.ssthresh, k.mode, k.source
			next.held, next.from = k.held, k.from
		}
	case e.Source != resume.SourceApplication && e.Source != resume.SourceLearnt:
		f.counts.add("out_kept")
		return Change{}, false
	case k == nil:
	case k.unsent && k.own && k.op == OpPut:
		if k.sameAs(next) {
			return f.again(l, k, now), true
		}
	case !k.own && (since <= k.since || k.op == OpPut && since <= k.since+f.clock.slack()):
		f.counts.add("out_known")
		return Change{}, false
	case k.own && k.op == OpPut && k.sameAs(next) && 2*(k.expires-now) >= k.expires-k.since:
		f.counts.add("out_same")
		return Change{}, false
	case k.own && k.op == OpPut && now-k.published < int64(f.config.Interval):
		if !k.postponed {
			k.postponed = true
			f.looks.postpone(l, k.published+int64(f.config.Interval))
		}
		f.counts.add("out_postponed")
		return Change{}, false
	}
	return f.tell(l, next, now), true
}

// taken is an entry that a connection holds. What the others never had is no
// business of theirs.
func (f *Fleet) taken(l look, k *known, e pathstore.Entry, now int64) (Change, bool) {
	switch {
	case k == nil, k.op == OpGone:
		return Change{}, false
	case k.op == OpClaim && k.own:
		if k.unsent {
			return f.again(l, k, now), true
		}
		return Change{}, false
	}
	next := *k
	next.op, next.own, next.unsent, next.since, next.expires = OpClaim, true, false, now, now+int64(e.TTL)
	return f.tell(l, next, now), true
}

// spent is an entry that was retreated on, or used once and for all.
func (f *Fleet) spent(l look, k *known, e pathstore.Entry, now int64) (Change, bool) {
	switch {
	case k == nil:
		return Change{}, false
	case k.op == OpGone:
		if k.own && k.unsent {
			return f.again(l, k, now), true
		}
		return Change{}, false
	}
	why := "used"
	if e.Retreats > 0 && e.Outcome != "" && plain(e.Outcome) {
		why = e.Outcome
	}
	return f.tell(l, known{op: OpGone, own: true, since: now, expires: k.expires, why: why}, now), true
}

func (k *known) sameAs(n known) bool {
	return k.cwnd == n.cwnd && k.ssthresh == n.ssthresh && k.rtt == n.rtt && k.mode == n.mode
}

// tell notes a change and makes the message of it.
func (f *Fleet) tell(l look, k known, now int64) Change {
	k.postponed = false
	f.book.set(l.peer, k)
	return f.message(f.book.peers[l.peer], now)
}

func (f *Fleet) again(_ look, k *known, now int64) Change {
	k.unsent = false
	f.counts.add("out_again")
	return f.message(k, now)
}

func (f *Fleet) message(k *known, now int64) Change {
	c := Change{
		Op: k.op, From: f.config.Name, Run: f.run, N: f.sent.Add(1), Why: k.why,
		At: f.clock.told(k.since), TTL: max(time.Millisecond, time.Duration(k.expires-now)),
	}
	if k.op == OpPut {
		c.Cwnd, c.Ssthresh, c.RTT, c.Mode, c.Source = k.cwnd, k.ssthresh, k.rtt, k.mode, k.source
	}
	return c
}
