// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

// PolicyLookup returns RuleFor over a copy of the policies, for who asks about many keys.
func (s *Store) PolicyLookup() (func(peer netip.Addr, scope uint64) Rule, error) {
	table, err := s.policyTable()
	if err != nil {
		return nil, err
	}
	return func(peer netip.Addr, scope uint64) Rule {
		prefix, policy := table.of(peer, scope)
		return Rule{Prefix: prefix, Policy: policy}
	}, nil
}

// Allows says why a path that is valid by itself may not be stored under the
// rule: it lives too long, or no connection would look under its key.
func (r Rule) Allows(p resume.Path) error {
	prefix := resume.FormatPrefix(r.Prefix)
	var errs []error
	if p.TTL > r.Policy.Lifetime {
		errs = append(errs, fmt.Errorf("ttl %v is longer than the lifetime %v that the policy of %s allows: shorten it, or raise the policy with \"tcpresume policy set %[3]s --lifetime %[1]v\"", p.TTL, r.Policy.Lifetime, prefix))
	}
	switch perNetns := r.Policy.Scope == resume.ScopeNetns; {
	case p.Scope == resume.ScopeToken: // a token is its own name space
	case perNetns && p.Scope == 0:
		errs = append(errs, fmt.Errorf("the network namespace is missing: the policy of %s keeps one entry for each; give its netns_cookie", prefix))
	case !perNetns && p.Scope != 0:
		errs = append(errs, fmt.Errorf("network namespace %d has no meaning here: the policy of %s keeps one entry for the host; leave it out, or run \"tcpresume policy set %[2]s --scope netns\"", p.Scope, prefix))
	}
	return errors.Join(errs...)
}
