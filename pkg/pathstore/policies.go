// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// Rule is a policy and the peers it is for; an invalid prefix is the default.
type Rule struct {
	Prefix netip.Prefix
	Policy resume.Policy
}

// SetPolicy puts a policy in force for a prefix, at once and for new connections.
func (s *Store) SetPolicy(rule Rule) error {
	if err := rule.Policy.Validate(); err != nil {
		return err
	}
	val, err := encodePolicy(rule.Policy)
	if err != nil {
		return err
	}
	key := policyKey(rule.Prefix)
	if err := s.policy().Put(&key, &val); err != nil {
		return fmt.Errorf("setting policy of %s: %w", resume.FormatPrefix(rule.Prefix), err)
	}
	return nil
}

// DeletePolicy ends a policy; the next shorter prefix takes over.
func (s *Store) DeletePolicy(prefix netip.Prefix) error {
	key := policyKey(prefix)
	switch err := s.policy().Delete(&key); {
	case errors.Is(err, ebpf.ErrKeyNotExist):
		return fmt.Errorf("%w: policy of %s; \"tcpresume policy list\" shows those in force", ErrNotFound, resume.FormatPrefix(prefix))
	case err != nil:
		return fmt.Errorf("deleting policy of %s: %w", resume.FormatPrefix(prefix), err)
	}
	return nil
}

// Policies returns the rules in force, shortest prefix first.
func (s *Store) Policies() ([]Rule, error) {
	var (
		rules []Rule
		key   bytecode.KernelResumePolicyKey
		val   bytecode.KernelResumePolicy
	)
	each := s.policy().Iterate()
	for each.Next(&key, &val) {
		rules = append(rules, Rule{Prefix: prefixOf(key), Policy: decodePolicy(val)})
	}
	if err := each.Err(); err != nil {
		return nil, fmt.Errorf("reading policies: %w", err)
	}
	slices.SortFunc(rules, func(a, b Rule) int {
		return cmp.Or(cmp.Compare(policyKey(a.Prefix).PrefixLen, policyKey(b.Prefix).PrefixLen), a.Prefix.Addr().Compare(b.Prefix.Addr()))
	})
	return rules, nil
}

// PolicyFor returns the rule that the kernel applies to a peer.
func (s *Store) PolicyFor(peer netip.Addr) (Rule, error) { return s.RuleFor(peer, 0) }

// RuleFor returns the rule under which a key is stored: PolicyFor's, but the default's for a token.
func (s *Store) RuleFor(peer netip.Addr, scope uint64) (Rule, error) {
	table, err := s.policyTable()
	if err != nil {
		return Rule{}, err
	}
	prefix, policy := table.of(peer, scope)
	return Rule{Prefix: prefix, Policy: policy}, nil
}

func policyKey(prefix netip.Prefix) bytecode.KernelResumePolicyKey {
	if !prefix.IsValid() {
		return bytecode.KernelResumePolicyKey{}
	}
	bits := prefix.Bits()
	if prefix.Addr().Is4() {
		bits += 96
	}
	return bytecode.KernelResumePolicyKey{PrefixLen: uint32(bits), Addr: prefix.Addr().As16()}
}

func prefixOf(key bytecode.KernelResumePolicyKey) netip.Prefix {
	addr, bits := netip.AddrFrom16(key.Addr), int(key.PrefixLen)
	if bits == 0 {
		return netip.Prefix{}
	}
	if addr.Is4In6() && bits >= 96 {
		addr, bits = addr.Unmap(), bits-96
	}
	return netip.PrefixFrom(addr, bits)
}

func encodePolicy(p resume.Policy) (bytecode.KernelResumePolicy, error) {
	mode, err1 := number("resume_mode", p.Mode)
	sharing, err2 := number("resume_sharing", p.Sharing)
	scope, err3 := number("resume_scope", p.Scope)
	dropin, err4 := number("resume_dropin", p.Dropin)
	live, err5 := number("resume_live", p.Live)
	val := bytecode.KernelResumePolicy{
		MaxCwndBytes:     uint32(p.MaxCwnd),
		MaxSsthreshBytes: uint32(p.MaxSsthresh),
		MaxJumpBytes:     uint32(p.MaxJump),
		LifetimeS:        uint32(p.Lifetime / time.Second),
		Mode:             bytecode.KernelResumeMode(mode),
		Sharing:          bytecode.KernelResumeSharing(sharing),
		Scope:            bytecode.KernelResumeScope(scope),
		Dropin:           bytecode.KernelResumeDropin(dropin),
		Live:             bytecode.KernelResumeLive(live),
		KeyBitsV4:        uint8(p.KeyBitsV4),
		KeyBitsV6:        uint8(p.KeyBitsV6),
		RttLowPercent:    uint16(p.RTTLow),
		RttHighPercent:   uint16(p.RTTHigh),
	}
	if p.Learn {
		val.Learn = 1
	}
	return val, errors.Join(err1, err2, err3, err4, err5)
}

func decodePolicy(val bytecode.KernelResumePolicy) resume.Policy {
	return resume.Policy{
		Mode:        resume.Mode(word("resume_mode", val.Mode)),
		Sharing:     resume.Sharing(word("resume_sharing", val.Sharing)),
		Scope:       resume.Scope(word("resume_scope", val.Scope)),
		Dropin:      resume.Dropin(word("resume_dropin", val.Dropin)),
		Live:        resume.Live(word("resume_live", val.Live)),
		MaxCwnd:     resume.Bytes(val.MaxCwndBytes),
		MaxSsthresh: resume.Bytes(val.MaxSsthreshBytes),
		MaxJump:     resume.Bytes(val.MaxJumpBytes),
		Lifetime:    time.Duration(val.LifetimeS) * time.Second,
		KeyBitsV4:   int(val.KeyBitsV4),
		KeyBitsV6:   int(val.KeyBitsV6),
		Learn:       val.Learn != 0,
		RTTLow:      int(val.RttLowPercent),
		RTTHigh:     int(val.RttHighPercent),
	}
}
