// SPDX-License-Identifier: Apache-2.0

package main

import (
	"iter"
	"net/netip"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

var states = []pathstore.State{pathstore.StateFree, pathstore.StateInUse, pathstore.StateSpent, pathstore.StateExpired, pathstore.StateDamaged}

// filter holds the flags that choose entries; what is not set lets all pass.
type filter struct {
	state   pathstore.State
	source  resume.Source
	prefix  netip.Prefix
	lasting bool // without what applications asked for themselves, which serves their live connections only
}

func addFilter(cmd *cobra.Command, f *filter) {
	flags := cmd.Flags()
	addWord(cmd, flags, &f.state, "state", "", "state", states, "only such entries")
	addWord(cmd, flags, &f.source, "source", "", "source", resume.Sources, "only entries written by it")
	flags.Var(value[netip.Prefix]{&f.prefix, "PREFIX", resume.ParsePrefix}, "prefix", "only peers of a prefix, as in 192.0.2.0/24")
}

func (f filter) matches(e pathstore.Entry) bool {
	if f.lasting && e.Scope != resume.ScopeToken && e.Scope&resume.ScopeAsked != 0 {
		return false
	}
	return (f.state == "" || e.State == f.state) &&
		(f.source == "" || e.Source == f.source) &&
		(!f.prefix.IsValid() || e.Scope != resume.ScopeToken && f.prefix.Contains(e.Peer))
}

// entries yields what matches until the command is interrupted.
func (f filter) entries(cmd *cobra.Command, store *pathstore.Store) iter.Seq2[pathstore.Entry, error] {
	return func(yield func(pathstore.Entry, error) bool) {
		for e, err := range store.Entries() {
			if err == nil {
				err = cmd.Context().Err()
			}
			if err != nil {
				yield(e, err)
				return
			}
			if f.matches(e) && !yield(e, nil) {
				return
			}
		}
	}
}
