// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func newFlush(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "flush",
		Short: "Remove every stored path",
		Long: `Remove every stored path, as after a change of the network that makes what was
learnt about it worthless (RFC 9959 section 4.3.1). Policies, counters and the
drop-in maps stay. "tcpresume dump" before it keeps a copy.`,
		Example: `  tcpresume flush
  tcpresume dump > paths.ndjson && tcpresume flush`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := g.open()
			if err != nil {
				return err
			}
			defer store.Close()
			removed, err := store.Flush()
			if err != nil {
				return fmt.Errorf("%s removed, then: %w", plural(removed, "path", "paths"), err)
			}
			return g.print(cmd, map[string]int{"removed": removed}, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "removed %s\n", plural(removed, "path", "paths"))
				return err
			})
		},
	}
}
