// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

func newGet(g *global) *cobra.Command {
	var netns string
	cmd := &cobra.Command{
		Use:   "get PEER",
		Short: "Show what is stored for a peer and what its next connection gets",
		Long: `Show the entry that serves a peer, the policy that applies to it, and in words
what the next connection gets, or why nothing. Segments are counted for an MSS
of 1448 bytes as an example; each connection uses its own.`,
		Example: `  tcpresume get 192.0.2.1
  tcpresume get 2001:db8::1 -o json
  tcpresume get 192.0.2.1 --netns /run/netns/blue`,
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
			entry, err := t.Get(t.peer, t.scope)
			if err != nil {
				return err
			}
			return g.printEntry(cmd, entry, t.rule)
		},
	}
	addNetns(cmd.Flags(), &netns)
	return cmd
}
