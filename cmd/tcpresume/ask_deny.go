// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/loader"
)

func newAskDeny(g *global) *cobra.Command {
	return &cobra.Command{
		Use:   "deny CGROUP",
		Short: "End what \"ask allow\" allowed",
		Long: `End what "ask allow" allowed for a cgroup. Connections that resume go on. A cgroup
that is gone is named by the number that "ask list" shows.`,
		Example: `  tcpresume ask deny /sys/fs/cgroup/system.slice/web.service`,
		Args:    takes("CGROUP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ask, err := loader.DenyAsk(g.options(), args[0])
			if err != nil {
				return err
			}
			return g.print(cmd, ask, func(w io.Writer) error {
				_, err := fmt.Fprintf(w, "denied: %s may no longer ask\n", askRow(ask)[0])
				return err
			})
		},
	}
}
