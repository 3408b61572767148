// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"net/netip"
	"time"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// State says whether the next connection of a peer can use its entry.
type State string

// The states of an entry.
const (
	StateFree    State = "free"    // the next connection gets it
	StateInUse   State = "in-use"  // a live connection holds the claim
	StateSpent   State = "spent"   // used once, or found expired by the kernel
	StateExpired State = "expired" // its lifetime is over
	StateDamaged State = "damaged" // its seal does not match, or it is of a time to come: not written by tcpresume
)

// Entry is a stored path as the kernel sees it now.
type Entry struct {
	resume.Path
	State    State
	Age      time.Duration // since it was stored
	Holder   uint64        // socket cookie of the claiming connection; 0: none
	Jumper   uint64        // socket cookie of the connection that jumps on the path now, which Get alone asks for; 0: none
	Uses     uint32
	Retreats uint32 // of the path since a use of it succeeded; each halves what the next may use
	Outcome  string // trigger that ended the latest use; empty: none yet
}

func peerKey(addr netip.Addr, scope uint64, policy resume.Policy) bytecode.KernelResumePeer {
	if scope == resume.ScopeToken {
		return bytecode.KernelResumePeer{Addr: addr.As16(), Scope: scope}
	}
	return bytecode.KernelResumePeer{Addr: policy.MaskPeer(addr).As16(), Scope: scope}
}

func encode(p resume.Path, policy resume.Policy, now uint64) (bytecode.KernelResumePeer, bytecode.KernelResumePath, error) {
	key := peerKey(p.Peer, p.Scope, policy)
	mode, err := number("resume_mode", p.Mode)
	if err != nil {
		return key, bytecode.KernelResumePath{}, err
	}
	sharing, err := number("resume_sharing", p.Sharing)
	if err != nil {
		return key, bytecode.KernelResumePath{}, err
	}
	source, err := number("resume_source", p.Source)
	if err != nil {
		return key, bytecode.KernelResumePath{}, err
	}
	val := bytecode.KernelResumePath{
		StoredNs:      now,
		ExpiresNs:     now + uint64(p.TTL),
		CwndBytes:     uint32(p.Cwnd),
		SsthreshBytes: uint32(p.Ssthresh),
		MinRttUs:      uint32(p.RTT.Microseconds()),
		Mode:          uint8(mode),
		Sharing:       uint8(sharing),
		Source:        uint8(source),
	}
	val.Claim = seal(&key, &val)
	return key, val, nil
}

func decode(key *bytecode.KernelResumePeer, val *bytecode.KernelResumePath, now uint64) Entry {
	entry := Entry{
		Path: resume.Path{
			Peer:     netip.AddrFrom16(key.Addr).Unmap(),
			Scope:    key.Scope,
			Cwnd:     resume.Bytes(val.CwndBytes),
			Ssthresh: resume.Bytes(val.SsthreshBytes),
			RTT:      time.Duration(val.MinRttUs) * time.Microsecond,
			TTL:      max(0, time.Duration(val.ExpiresNs-min(now, val.ExpiresNs))),
			Mode:     resume.Mode(word("resume_mode", val.Mode)),
			Sharing:  resume.Sharing(word("resume_sharing", val.Sharing)),
			Source:   resume.Source(word("resume_source", val.Source)),
		},
		Age:      time.Duration(now - min(now, val.StoredNs)),
		Uses:     val.Uses,
		Retreats: val.Retreats,
	}
	if val.Outcome != 0 {
		entry.Outcome = word("resume_trigger", val.Outcome)
	}
	if key.Scope == resume.ScopeToken {
		entry.Peer = netip.AddrFrom16(key.Addr) // no address, whatever it looks like
	}
	if isClaimed(val) && olderThan(uint64(val.ClaimedS)*uint64(time.Second), now, bound("claim_s", time.Second)) {
		settled := *val
		Settle(key, &settled)
		val = &settled
	}
	switch {
	case val.Claim == claimSpent:
		entry.State = StateSpent
	case isClaimed(val):
		entry.State, entry.Holder = StateInUse, val.Claim
	case val.Claim != seal(key, val) || val.StoredNs > now+uint64(bound("skew_ms", time.Millisecond)):
		entry.State = StateDamaged
	case entry.TTL == 0:
		entry.State = StateExpired
	default:
		entry.State = StateFree
	}
	return entry
}
