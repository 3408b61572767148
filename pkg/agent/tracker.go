// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"container/list"
	"encoding/binary"
	"hash/maphash"
	"net/netip"
	"slices"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// tracker remembers the connections behind the reports, so that several of one
// address become one path. It is memory of minutes: a restarted agent does
// without. What it knows of a peer belongs to the user that reported it last.
type tracker struct {
	seed  maphash.Seed
	peers map[peerKey]*peer
	conns map[uint64]*peer
	users map[uint32]*list.List // of *peer, least recently reported first
}

// peerKey is the key of the kernel's entry.
type peerKey struct {
	addr  netip.Addr // masked by the policy
	scope uint64
}

type peer struct {
	key     peerKey
	samples []sample
	owner   uint32
	place   *list.Element
	stored  time.Time // when what is stored was sampled; zero: nothing is
	expires time.Time
}

// rules is what a policy and the configuration say about one report.
type rules struct {
	lifetime    time.Duration
	fresh       time.Duration
	sharedAfter int
	maxPaths    int
}

func newTracker() *tracker {
	return &tracker{seed: maphash.MakeSeed(), peers: make(map[peerKey]*peer), conns: make(map[uint64]*peer), users: make(map[uint32]*list.List)}
}

// connection names the one that a report is of. Without an id that is its address and port.
func (t *tracker) connection(uid uint32, r resume.Report) uint64 {
	var h maphash.Hash
	h.SetSeed(t.seed)
	var fixed [23]byte
	binary.LittleEndian.PutUint32(fixed[:], uid)
	if r.ID == "" {
		addr := r.Peer.As16()
		copy(fixed[4:], addr[:])
		binary.LittleEndian.PutUint16(fixed[20:], r.Port)
		fixed[22] = 1
	}
	_, _ = h.Write(fixed[:])
	_, _ = h.WriteString(r.ID)
	return h.Sum64()
}

// judge takes a report into account and returns the path to store, or why none
// is, and whose entries have to go to make room.
func (t *tracker) judge(uid uint32, r resume.Report, key peerKey, how rules, now time.Time) (path resume.Path, held string, gone []peerKey) {
	at := now.Add(-r.Age)
	if r.Age >= how.lifetime {
		return path, ReasonExpired, nil
	}
	id := t.connection(uid, r)
	p, gone := t.peer(uid, key, how, now)
	s := t.sample(p, id, how)
	if s.reset && now.After(p.expires) {
		s.reset = false // the better window of before is history
	}
	if held = s.take(r, at); held == "" && at.Before(p.stored) {
		held = ReasonOlder
	}
	if p.expires.Before(now.Add(how.fresh)) && p.stored.IsZero() {
		p.expires = now.Add(how.fresh)
	}
	if held != "" {
		return path, held, gone
	}
	chosen, connections := p.choose(s, now.Add(-how.fresh))
	if connections > how.sharedAfter {
		return path, ReasonShared, gone
	}
	path = chosen.path
	path.Peer, path.Scope, path.TTL = r.Peer, key.scope, how.lifetime-r.Age
	p.stored, p.expires = at, at.Add(how.lifetime)
	return path, "", gone
}

// choose picks, of the connections that live, the one with the smallest window:
// behind one address there may be several paths, and all get the same entry.
func (p *peer) choose(current *sample, since time.Time) (*sample, int) {
	chosen, living := current, 0
	for i := range p.samples {
		s := &p.samples[i]
		if s.closed || s.at.Before(since) {
			continue
		}
		living++
		if s.path.Cwnd != 0 && (chosen.closed || s.path.Cwnd < chosen.path.Cwnd) {
			chosen = s
		}
	}
	return chosen, living
}

// sample finds the connection, wherever it was, or makes room for it.
func (t *tracker) sample(p *peer, id uint64, how rules) *sample {
	moved := sample{id: id}
	if was := t.conns[id]; was != nil && was != p {
		i := was.index(id)
		if was.key.addr != p.key.addr { // not a policy that has changed the key
			moved.moved, moved.sent, moved.from, moved.lost = true, was.samples[i].sent, was.samples[i].lost, was.samples[i].lost
		}
		was.samples = slices.Delete(was.samples, i, i+1)
	}
	t.conns[id] = p
	if i := p.index(id); i >= 0 {
		return &p.samples[i]
	}
	if len(p.samples) > how.sharedAfter {
		oldest := 0
		for i := range p.samples {
			if p.samples[i].at.Before(p.samples[oldest].at) {
				oldest = i
			}
		}
		delete(t.conns, p.samples[oldest].id)
		p.samples[oldest] = moved
		return &p.samples[oldest]
	}
	p.samples = append(p.samples, moved)
	return &p.samples[len(p.samples)-1]
}

func (p *peer) index(id uint64) int {
	return slices.IndexFunc(p.samples, func(s sample) bool { return s.id == id })
}

// peer finds a peer and hands it to the user that reports it now.
func (t *tracker) peer(uid uint32, key peerKey, how rules, now time.Time) (*peer, []peerKey) {
	mine := t.users[uid]
	if mine == nil {
		mine = list.New()
		t.users[uid] = mine
	}
	p := t.peers[key]
	switch {
	case p == nil:
		p = &peer{key: key, owner: uid}
		t.peers[key] = p
		p.place = mine.PushBack(p)
	case p.owner == uid:
		mine.MoveToBack(p.place)
	default:
		t.users[p.owner].Remove(p.place)
		p.owner, p.place = uid, mine.PushBack(p)
	}
	var gone []peerKey
	for front := mine.Front().Value.(*peer); front != p; front = mine.Front().Value.(*peer) {
		over := now.After(front.expires)
		if !over && mine.Len() <= how.maxPaths {
			break
		}
		if !over && !front.stored.IsZero() {
			gone = append(gone, front.key)
		}
		t.forget(front)
	}
	return p, gone
}

func (t *tracker) forget(p *peer) {
	t.users[p.owner].Remove(p.place)
	delete(t.peers, p.key)
	for _, s := range p.samples {
		delete(t.conns, s.id)
	}
}
