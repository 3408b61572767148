// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/cmd/tcpresume/internal/record"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

func newDump(g *global) *cobra.Command {
	var f filter
	cmd := &cobra.Command{
		Use:   "dump",
		Short: "Write every stored path as NDJSON",
		Long: `Write every stored path to stdout, one JSON object per line, in no order, for
"tcpresume load" to read again. Entries that are in use, spent or expired are
written too, with their state; "load" leaves out what has no lifetime left and
stores the rest afresh, so that a spent entry is free again: --state free keeps
to what is unused. Entries that no connection can find any more, since a policy
changed their key, are left out and counted.`,
		Example: `  tcpresume dump > paths.ndjson
  tcpresume dump --state free | ssh other tcpresume load -`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := g.open()
			if err != nil {
				return err
			}
			defer store.Close()
			ruleOf, err := store.PolicyLookup()
			if err != nil {
				return err
			}
			f.lasting = true
			stranded := 0
			recordOf := func(e pathstore.Entry) (record.Record, bool) {
				r, found := record.Lasting(e, ruleOf(e.Peer, e.Scope))
				if !found {
					stranded++
				}
				return r, found
			}
			start := time.Now()
			var bar progress
			if !isTerminal(cmd.OutOrStdout()) { // where the data would run through it
				bar = newProgress(cmd, "dumping", -1)
			}
			n, err := writeRecords(cmd, store, f, recordOf, func(n int) { bar.set(n) })
			bar.end()
			if err != nil {
				return fmt.Errorf("%s written, then: %w", plural(n, "path", "paths"), err)
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "wrote %s\n", speed(n, time.Since(start)))
			if stranded > 0 {
				fmt.Fprintf(cmd.ErrOrStderr(), "note: left out %s that no connection finds under the policies of now\n", plural(stranded, "entry", "entries"))
			}
			return nil
		},
	}
	addFilter(cmd, &f)
	return cmd
}
