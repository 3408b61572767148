// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/loader"
)

func newDown(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Take the kernel part away and give every socket back",
		Long: `Take the kernel part away: detach the program, give every socket that still
resumes its own congestion control back, unregister ours and remove the pins.
Connections live on. Stored paths and policies go with the maps; "tcpresume dump"
keeps a copy.

If something fails, the rest is removed all the same, and running it again
finishes the work.`,
		Example: `  tcpresume down
  tcpresume dump > paths.ndjson && tcpresume down`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			gone, err := loader.Down(cmd.Context(), g.options())
			for _, note := range gone.Notes {
				fmt.Fprintln(cmd.ErrOrStderr(), "note: "+note)
			}
			if err != nil {
				return err
			}
			return g.print(cmd, gone, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "down: removed everything under %s, gave %s back\n", gone.Pins, plural(gone.HandedBack, "socket", "sockets"))
				return err
			})
		},
	}
}
