// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"fmt"
	"net/netip"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// PolicyLookup returns PolicyFor over a copy of the policies, for who asks about many peers.
func (s *Store) PolicyLookup() (func(netip.Addr) Rule, error) {
	table, err := s.policyTable()
	if err != nil {
		return nil, err
	}
	return func(peer netip.Addr) Rule {
		prefix, policy := table.match(peer)
		return Rule{Prefix: prefix, Policy: policy}
	}, nil
}

// Allows says why a path that is valid by itself may not be stored under the rule.
func (r Rule) Allows(p resume.Path) error {
	if p.TTL > r.Policy.Lifetime {
		return fmt.Errorf("ttl %v is longer than the lifetime %v that the policy of %s allows: shorten it, or raise the policy with \"tcpresume policy set %[3]s --lifetime %[1]v\"", p.TTL, r.Policy.Lifetime, resume.FormatPrefix(r.Prefix))
	}
	return nil
}
