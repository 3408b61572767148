// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net/netip"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// target is the entry that a verb is about: where it is, and the rule that says so.
type target struct {
	*pathstore.Store
	peer  netip.Addr
	scope uint64
	rule  pathstore.Rule
}

// target opens the store, which the caller closes.
func (g *global) target(key netip.Addr, scope uint64, netns string) (target, error) {
	t := target{peer: key, scope: scope}
	var err error
	if t.Store, err = g.open(); err != nil {
		return t, err
	}
	t.rule, err = t.RuleFor(key, scope)
	switch {
	case err != nil:
	case scope != resume.ScopeToken:
		t.scope, err = scopeOf(t.rule, netns)
	case netns != "":
		err = input(fmt.Errorf("--netns %q has no meaning for a token: leave it out", netns))
	}
	if err != nil {
		t.Close()
	}
	return t, err
}
