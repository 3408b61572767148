// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"net/netip"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// policyTable is a copy of the policies for many look-ups: a million paths
// need no million system calls.
type policyTable struct {
	byPrefix map[netip.Prefix]resume.Policy // IPv4 as IPv4-mapped
	lengths  []int                          // longest first, of 128
}

func (s *Store) policyTable() (*policyTable, error) {
	rules, err := s.Policies()
	if err != nil {
		return nil, err
	}
	return newPolicyTable(rules), nil
}

// newPolicyTable takes rules in the order of Policies, shortest prefix first.
func newPolicyTable(rules []Rule) *policyTable {
	table := &policyTable{byPrefix: make(map[netip.Prefix]resume.Policy)}
	for i := len(rules) - 1; i >= 0; i-- {
		key := policyKey(rules[i].Prefix)
		bits := int(key.PrefixLen)
		table.byPrefix[netip.PrefixFrom(netip.AddrFrom16(key.Addr), bits)] = rules[i].Policy
		if n := len(table.lengths); n == 0 || table.lengths[n-1] != bits {
			table.lengths = append(table.lengths, bits)
		}
	}
	return table
}

func (t *policyTable) match(peer netip.Addr) (netip.Prefix, resume.Policy) {
	mapped := netip.AddrFrom16(peer.As16())
	for _, bits := range t.lengths {
		prefix := maskMapped(mapped, bits)
		if policy, ok := t.byPrefix[prefix]; ok {
			return prefixOf(bytecode.KernelResumePolicyKey{PrefixLen: uint32(bits), Addr: prefix.Addr().As16()}), policy
		}
	}
	return netip.Prefix{}, resume.DefaultPolicy()
}

// of is match for a key: no prefix is for tokens, the peer that names one is not known yet.
func (t *policyTable) of(peer netip.Addr, scope uint64) (netip.Prefix, resume.Policy) {
	if scope != resume.ScopeToken {
		return t.match(peer)
	}
	if policy, ok := t.byPrefix[netip.PrefixFrom(netip.IPv6Unspecified(), 0)]; ok {
		return netip.Prefix{}, policy
	}
	return netip.Prefix{}, resume.DefaultPolicy()
}

// maskMapped exists because netip refuses to mask an IPv4-mapped address as IPv6.
func maskMapped(addr netip.Addr, bits int) netip.Prefix {
	bytes := addr.As16()
	for i := range bytes {
		if keep := bits - 8*i; keep <= 0 {
			bytes[i] = 0
		} else if keep < 8 {
			bytes[i] &= 0xff << (8 - keep)
		}
	}
	return netip.PrefixFrom(netip.AddrFrom16(bytes), bits)
}

func (t *policyTable) encode(p resume.Path, now uint64) (bytecode.KernelResumePeer, bytecode.KernelResumePath, error) {
	var (
		key bytecode.KernelResumePeer
		val bytecode.KernelResumePath
	)
	if err := p.Validate(); err != nil {
		return key, val, err
	}
	prefix, policy := t.of(p.Peer, p.Scope)
	if p.TTL == 0 {
		p.TTL = policy.Lifetime
	}
	if err := (Rule{Prefix: prefix, Policy: policy}).Allows(p); err != nil {
		return key, val, err
	}
	return encode(p, policy, now)
}
