// SPDX-License-Identifier: Apache-2.0

package record

import (
	"errors"
	"net/netip"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Record is one path. Units are in the names.
type Record struct {
	Peer        Peer           `json:"peer"`
	Cwnd        resume.Bytes   `json:"cwnd"`
	Ssthresh    resume.Bytes   `json:"ssthresh"`
	RTT         int64          `json:"rtt_us"`
	TTL         int64          `json:"ttl_s"` // PolicyTTL where the line has none
	Mode        resume.Mode    `json:"mode"`
	Sharing     resume.Sharing `json:"sharing"`
	Source      resume.Source  `json:"source"`
	NetnsCookie uint64         `json:"netns_cookie"` // 0 for a token

	// The kernel's knowledge: written, ignored when read.
	State    pathstore.State `json:"state"`
	Age      int64           `json:"age_s"`
	Holder   uint64          `json:"holder"`
	Uses     uint32          `json:"uses"`
	Retreats uint32          `json:"retreats"`
	Outcome  string          `json:"outcome"` // trigger that ended the latest use
}

// Peer is whom a path is for: an address, or a token that has an address' form only.
type Peer struct {
	netip.Addr
	Token bool
}

// MarshalText writes a token as the verbs take it.
func (p Peer) MarshalText() ([]byte, error) {
	if p.Token {
		return []byte(resume.FormatToken(p.Addr)), nil
	}
	return p.Addr.MarshalText()
}

// PolicyTTL is the lifetime of a record that leaves it to the policy. Zero would
// not do: it is what remains of an expired entry, which must not live again.
const PolicyTTL = -1

// Of describes an entry. What remains of its lifetime is rounded up, so that a
// living entry never looks expired; policies allow whole seconds, so it still fits.
func Of(e pathstore.Entry) Record {
	cookie, token := e.Scope, e.Scope == resume.ScopeToken
	if token {
		cookie = 0 // not a number that every reader of JSON keeps
	}
	return Record{
		Peer:        Peer{e.Peer, token},
		Cwnd:        e.Cwnd,
		Ssthresh:    e.Ssthresh,
		RTT:         e.RTT.Microseconds(),
		TTL:         int64((e.TTL + time.Second - 1) / time.Second),
		Mode:        e.Mode,
		Sharing:     e.Sharing,
		Source:      e.Source,
		NetnsCookie: cookie,
		State:       e.State,
		Age:         int64(e.Age / time.Second),
		Holder:      e.Holder,
		Uses:        e.Uses,
		Retreats:    e.Retreats,
		Outcome:     e.Outcome,
	}
}

// Lasting is Of for what is to be loaded again: with the lifetime that the
// policy leaves. It is false for what no connection finds under the policy any
// more, or what tcpresume did not write.
func Lasting(e pathstore.Entry, rule pathstore.Rule) (Record, bool) {
	e.TTL = min(e.TTL, max(0, rule.Policy.Lifetime-e.Age))
	r := Of(e)
	return r, Check(rule, r.Path()) == nil
}

// Expired tells whether the record has no lifetime left.
func (r Record) Expired() bool { return r.TTL == 0 }

// Path is what to store.
func (r Record) Path() resume.Path {
	scope := r.NetnsCookie
	if r.Peer.Token {
		scope = resume.ScopeToken
	}
	return resume.Path{
		Peer:     r.Peer.Addr,
		Scope:    scope,
		Cwnd:     r.Cwnd,
		Ssthresh: r.Ssthresh,
		RTT:      time.Duration(r.RTT) * time.Microsecond,
		TTL:      max(0, time.Duration(r.TTL)*time.Second),
		Mode:     r.Mode,
		Sharing:  r.Sharing,
		Source:   r.Source,
	}
}

// Check says everything that is wrong with a path that is to be stored.
func Check(rule pathstore.Rule, p resume.Path) error {
	return errors.Join(p.Validate(), rule.Allows(p))
}
