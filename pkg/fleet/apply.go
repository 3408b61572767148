// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

const (
	kvOperation  = "KV-Operation"       // of "nats kv del" and "purge"
	markerReason = "Nats-Marker-Reason" // the server's own marker of what expired
)

// apply takes one message of the bucket; arrived is when the server got it.
func (f *Fleet) apply(subject string, header nats.Header, data []byte, arrived time.Time) {
	now := f.clock.now()
	lay := f.clock.lay(arrived)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts.add("in")
	if header.Get(markerReason) != "" {
		return
	}
	key := strings.TrimPrefix(subject, f.opts.Config.subject(""))
	peer, err := ParseKey(key)
	if err != nil {
		f.reject("in_malformed", key, "", err)
		return
	}
	at, err := f.place(peer)
	if err != nil {
		f.countedError("in_failed", err)
		return
	}
	if header.Get(kvOperation) != "" { // somebody's tool
		f.remove(at, known{op: OpGone, from: f.book.member("nats"), since: now - int64(lay), expires: now + int64(f.config.Lifetime), why: "deleted"}, now)
		return
	}
	c, err := ParseChange(data)
	switch {
	case errors.Is(err, ErrOtherVersion):
		f.reject("in_other_version", key, "", err)
	case err != nil:
		f.reject("in_malformed", key, c.From, err)
	case c.Run == f.run:
		f.echo(key, c, now)
	default:
		f.take(at, c, min(now, f.clock.meant(c.At)), now+int64(c.TTL-lay), now)
	}
}

// echo is one of this agent's own changes, or pretends to be.
func (f *Fleet) echo(key string, c Change, now int64) {
	if c.From != f.opts.Config.Name || c.N > f.sent.Load() {
		f.reject("in_forged", key, c.From, fmt.Errorf("it bears this process's name, which has not sent it"))
		return
	}
	f.counts.add("in_own")
	f.lag.end(c.N, now)
}

// take applies another machine's change, which came about at since.
func (f *Fleet) take(at place, c Change, since, expires, now int64) {
	if err := f.config.mayEnter(at.peer); err != nil {
		f.reject("in_refused", Key(at.peer), c.From, err)
		return
	}
	if expires <= now {
		f.counts.add("in_expired")
		return
	}
	k, from := f.book.peers[at.peer], f.book.member(c.From)
	if k != nil && k.from != from && since+f.clock.slack() < k.since { // one machine's are in order
		f.counts.add("in_older")
		if k.own && k.op != OpPut { // it covers in the bucket what is still true
			k.unsent = true
			f.looks.add(look{peer: at.peer, cause: retry, at: now})
		}
		return
	}
	next := known{
		op: c.Op, from: from, since: since, expires: expires,
		cwnd: c.Cwnd, ssthresh: c.Ssthresh, rtt: c.RTT, mode: c.Mode, source: c.Source, why: c.Why,
	}
	if c.Op == OpPut {
		f.store(at, next, now)
		return
	}
	f.remove(at, next, now)
}

// store writes a path of another machine, unless this one knows better.
func (f *Fleet) store(at place, k known, now int64) {
	was := f.book.peers[at.peer]
	switch e, err := f.opts.Maps.Get(at.peer, at.scope); {
	case err != nil && !errors.Is(err, pathstore.ErrNotFound):
		f.countedError("in_failed", err)
		return
	case err == nil && e.State == pathstore.StateInUse:
		f.counts.add("in_in_use")
		return
	case err == nil && mine(e) && k.since <= now-int64(e.Age)+f.clock.slack():
		f.counts.add("in_older")
		if was == nil { // the others know of it all the same
			f.book.set(at.peer, k)
		}
		return
	}
	if f.book.held >= f.config.MaxPaths && (was == nil || !was.held) {
		f.counts.add("in_full")
		return
	}
	path := f.config.cut(resume.Path{
		Peer: at.peer, Scope: at.scope, Cwnd: k.cwnd, Ssthresh: k.ssthresh, RTT: k.rtt, TTL: time.Duration(k.expires - now),
		Mode: k.mode, Sharing: resume.SharingPolicy, Source: resume.SourceFleet,
	}, at.policy)
	if _, err := f.opts.Maps.PutAll([]resume.Path{path}); err != nil {
		f.reject("in_malformed", Key(at.peer), k.from.name, err)
		return
	}
	k.held = true
	f.book.set(at.peer, k)
	f.counts.add("in_stored")
	if f.opts.Stored != nil {
		f.opts.Stored(path)
	}
}

// mine tells whether an entry says more than what others know: it is this
// machine's own, or was spent here, which they may not have heard of yet.
func mine(e pathstore.Entry) bool {
	return e.State == pathstore.StateSpent || e.State == pathstore.StateFree && e.Source != resume.SourceFleet
}

// remove takes away what another machine's connection has claimed, or what is gone.
func (f *Fleet) remove(at place, k known, now int64) {
	e, err := f.opts.Maps.Get(at.peer, at.scope)
	absent := errors.Is(err, pathstore.ErrNotFound)
	switch {
	case err != nil && !absent:
		f.countedError("in_failed", err)
		return
	case k.op == OpClaim && at.policy.Sharing == resume.SharingShared:
		f.counts.add("in_shared")
		return
	case !absent && e.State != pathstore.StateSpent && k.since+f.clock.slack() < now-int64(e.Age):
		f.counts.add("in_older")
		return
	}
	f.book.set(at.peer, k)
	f.counts.add("in_" + string(k.op))
	if absent {
		return
	}
	if k.op == OpClaim && e.State == pathstore.StateInUse {
		f.counts.add("in_claimed_twice")
	}
	if err := f.opts.Maps.Delete(at.peer, at.scope); err != nil && !errors.Is(err, pathstore.ErrNotFound) {
		f.countedError("in_failed", err)
	}
}
