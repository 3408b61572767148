// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net/netip"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// target is the entry that a verb is about: where it is, and the rule that says so.
type target struct {
	*pathstore.Store
	peer  netip.Addr
	scope uint64
	rule  pathstore.Rule
}

// target opens the store, which the caller closes.
func (g *global) target(peer netip.Addr, netns string) (target, error) {
	t := target{peer: peer}
	var err error
	if t.Store, err = g.open(); err != nil {
		return t, err
	}
	if t.rule, err = t.PolicyFor(peer); err == nil {
		t.scope, err = scopeOf(t.rule, netns)
	}
	if err != nil {
		t.Close()
	}
	return t, err
}
