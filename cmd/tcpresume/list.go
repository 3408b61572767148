// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/cmd/tcpresume/internal/record"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

var listHeader = []string{"PEER", "CWND", "SSTHRESH", "RTT", "MODE", "SHARING", "SOURCE", "STATE", "TTL", "USES"}

func newList(g *global) *cobra.Command {
	var f filter
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the stored paths",
		Long: `List the stored paths: as a table sorted by peer, or with -o json one object per
line in no order, as "load" reads them. MODE and SHARING "policy" leave the choice
to the policy of the peer. An entry of one network namespace is shown as
PEER@COOKIE.

States: free (the next connection gets it), in-use (a live connection holds it),
spent (used once), expired, damaged (not written by tcpresume, or with the time of
another clock).`,
		Example: `  tcpresume list
  tcpresume list --state free --prefix 192.0.2.0/24
  tcpresume list --source learnt -o json | jq -r .peer`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := g.open()
			if err != nil {
				return err
			}
			defer store.Close()
			if g.output == formatJSON {
				_, err := writeRecords(cmd, store, f, func(e pathstore.Entry) (record.Record, bool) { return record.Of(e), true }, nil)
				return err
			}
			return listTable(cmd, store, f)
		},
	}
	addFilter(cmd, &f)
	return cmd
}

// writeRecords writes NDJSON as it is read, of what recordOf keeps, and returns how many lines.
func writeRecords(cmd *cobra.Command, store *pathstore.Store, f filter, recordOf func(pathstore.Entry) (record.Record, bool), each func(n int)) (int, error) {
	out := bufio.NewWriterSize(cmd.OutOrStdout(), 1<<16)
	encoder := newEncoder(out)
	n := 0
	for e, err := range f.entries(cmd, store) {
		if err != nil {
			return n, errors.Join(err, out.Flush())
		}
		r, keep := recordOf(e)
		if !keep {
			continue
		}
		if err := encoder.Encode(r); err != nil {
			return n, fmt.Errorf("writing: %w", err)
		}
		if n++; each != nil && n%pathstore.BatchSize == 0 {
			each(n)
		}
	}
	return n, out.Flush()
}

func listTable(cmd *cobra.Command, store *pathstore.Store, f filter) error {
	var entries []pathstore.Entry
	for e, err := range f.entries(cmd, store) {
		if err != nil {
			return err
		}
		entries = append(entries, e)
	}
	slices.SortFunc(entries, func(a, b pathstore.Entry) int {
		return cmp.Or(a.Peer.Compare(b.Peer), cmp.Compare(a.Scope, b.Scope))
	})
	return printTable(cmd.OutOrStdout(), listHeader, func(yield func([]string) bool) {
		for _, e := range entries {
			if !yield(listRow(e)) {
				return
			}
		}
	})
}

func listRow(e pathstore.Entry) []string {
	peer := showKey(e)
	if e.Scope != 0 && e.Scope < resume.ScopeAsked {
		peer += "@" + strconv.FormatUint(e.Scope, 10)
	}
	return []string{
		peer, showBytes(e.Cwnd), showBytes(e.Ssthresh), showRTT(e.RTT),
		string(e.Mode), string(e.Sharing), string(e.Source), string(e.State),
		showDuration(e.TTL), strconv.FormatUint(uint64(e.Uses), 10),
	}
}
