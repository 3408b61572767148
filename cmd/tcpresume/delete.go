// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

func newDelete(g *global) *cobra.Command {
	var netns string
	cmd := &cobra.Command{
		Use:   "delete PEER",
		Short: "Remove what is stored for a peer",
		Long: `Remove the entry that serves a peer. Connections that already resumed from it go
on as they are; the next one starts cold. Where the agent shares paths with other
machines, the entry goes there, too; a token's is of this machine alone.`,
		Example: `  tcpresume delete 192.0.2.1
  tcpresume delete 192.0.2.1 --netns 4026531840`,
		Args:              takes("PEER"),
		ValidArgsFunction: g.completePeers,
		RunE: func(cmd *cobra.Command, args []string) error {
			peer, scope, err := resume.ParseKey(args[0])
			if err != nil {
				return input(err)
			}
			t, err := g.target(peer, scope, netns)
			if err != nil {
				return err
			}
			defer t.Close()
			if err := g.deletePath(cmd.Context(), t); err != nil {
				return err
			}
			key := resume.FormatKey(t.peer, t.scope)
			return g.print(cmd, map[string]any{"deleted": key}, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "deleted the path of %s\n", key)
				return err
			})
		},
	}
	addNetns(cmd.Flags(), &netns)
	return cmd
}
