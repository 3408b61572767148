// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"net/netip"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// known is the latest change of one peer that this agent knows of.
type known struct {
	op        Op
	own       bool  // published by this agent
	unsent    bool  // published and not confirmed: to be published again
	held      bool  // of another machine and in the maps now
	tries     uint8 // that the server did not answer while it was there
	postponed bool  // a look waits for the interval to pass
	from      *member
	since     int64 // when it came about, on the steady clock
	expires   int64
	published int64 // by this agent, the latest put
	cwnd      resume.Bytes
	ssthresh  resume.Bytes
	rtt       time.Duration
	mode      resume.Mode
	source    resume.Source
	why       string
}

// member is an agent that this one has heard of.
type member struct {
	name  string
	paths int // of it in the maps
}

// book is what the fleet has said of every peer, until it expires.
type book struct {
	peers   map[netip.Addr]*known
	due     map[int64][]netip.Addr // by the second in which they expire
	swept   int64
	members map[string]*member
	held    int
}

func newBook(now int64) book {
	return book{
		peers: make(map[netip.Addr]*known), due: make(map[int64][]netip.Addr),
		swept: now / int64(time.Second), members: make(map[string]*member),
	}
}

// maxMembers bounds what strangers can make an agent remember.
const maxMembers = 4096

func (b *book) member(name string) *member {
	m := b.members[name]
	if m == nil {
		if len(b.members) >= maxMembers {
			name = "others"
			if m = b.members[name]; m != nil {
				return m
			}
		}
		m = &member{name: name}
		b.members[name] = m
	}
	return m
}

// set makes k the latest change of a peer.
func (b *book) set(peer netip.Addr, k known) {
	was := b.peers[peer]
	if was != nil {
		b.release(was)
	}
	if was == nil || was.expires/int64(time.Second) != k.expires/int64(time.Second) {
		at := k.expires/int64(time.Second) + 1
		b.due[at] = append(b.due[at], peer)
	}
	if k.held {
		k.from.paths++
		b.held++
	}
	if was == nil {
		was = new(known)
		b.peers[peer] = was
	}
	*was = k
}

// release notes that a path of another machine is not in the maps any more.
func (b *book) release(k *known) {
	if k.held {
		k.held = false
		k.from.paths--
		b.held--
	}
}

// sweep forgets what has expired; the kernel knows by itself.
func (b *book) sweep(now int64) {
	for ; b.swept <= now/int64(time.Second); b.swept++ {
		for _, peer := range b.due[b.swept] {
			if k := b.peers[peer]; k != nil && k.expires <= now {
				b.release(k)
				delete(b.peers, peer)
			}
		}
		delete(b.due, b.swept)
	}
}
