// SPDX-License-Identifier: Apache-2.0

package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// maxCompletions is more than a person reads; a store may hold a million peers.
const maxCompletions = 200

func (g *global) completePeers(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return g.complete(args, func(store *pathstore.Store) []string {
		var peers []string
		for e, err := range store.Entries() {
			if err != nil || len(peers) == maxCompletions {
				break
			}
			token := e.Scope == resume.ScopeToken // a secret: offered to who begins one only
			if key := resume.FormatKey(e.Peer, e.Scope); strings.HasPrefix(key, typed) && (!token || typed != "") {
				peers = append(peers, key)
			}
		}
		slices.Sort(peers)
		return slices.Compact(peers)
	})
}

func (g *global) completePrefixes(cmd *cobra.Command, args []string, typed string) ([]string, cobra.ShellCompDirective) {
	return g.complete(args, func(store *pathstore.Store) []string {
		prefixes := []string{"default"}
		rules, err := store.Policies()
		if err != nil {
			return prefixes
		}
		for _, rule := range rules {
			prefixes = append(prefixes, resume.FormatPrefix(rule.Prefix))
		}
		return slices.Compact(prefixes)
	})
}

// complete offers the first argument only, and nothing where nothing is loaded.
func (g *global) complete(args []string, words func(*pathstore.Store) []string) ([]string, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	store, err := g.open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	defer store.Close()
	return words(store), cobra.ShellCompDirectiveNoFileComp
}
