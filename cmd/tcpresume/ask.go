// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/loader"
)

func newAsk(g *global) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ask",
		Short: "Say whose applications may ask for their connections",
		Long: `Say in which cgroups applications may ask for their own connections, because they
learn who a client is after its connection was made. They need no privilege; what
they get is bounded by the rule of the cgroup and by the policy of the peer.

Where nobody may, the option does not exist: an ask fails with ENOPROTOOPT.`,
		Example: `  tcpresume ask allow /sys/fs/cgroup/system.slice/web.service --max-cwnd 1MiB
  tcpresume ask list
  tcpresume ask deny /sys/fs/cgroup/system.slice/web.service`,
		Args: verbArg,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAskAllow(g), newAskDeny(g), newAskList(g))
	return cmd
}

var askHeader = []string{"CGROUP", "MODE", "MAX-CWND", "MAX-SSTHRESH"}

func askRow(ask loader.Ask) []string {
	cgroup := ask.Cgroup
	if cgroup == "" {
		cgroup = strconv.FormatUint(ask.CgroupID, 10) + " (gone)"
	}
	return []string{cgroup, string(ask.Mode), showBytes(ask.MaxCwnd), showBytes(ask.MaxSsthresh)}
}

func (g *global) printAsks(cmd *cobra.Command, thing any, asks ...loader.Ask) error {
	return g.print(cmd, thing, func(w io.Writer) error {
		var rows [][]string
		for _, ask := range asks {
			rows = append(rows, askRow(ask))
		}
		return printTable(w, askHeader, rowsOf(rows))
	})
}
