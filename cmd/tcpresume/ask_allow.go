// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

func newAskAllow(g *global) *cobra.Command {
	rule := pathstore.AskRule{Mode: resume.ModeCareful}
	cmd := &cobra.Command{
		Use:   "allow CGROUP",
		Short: "Let the applications of a cgroup ask for their connections",
		Long: `Let the applications of a cgroup, and of those below, ask for their connections,
or change what they may. A connection belongs to the cgroup in which its socket,
or the listener that accepted it, was made.

With --mode exact an application may also ask for windows that take effect at
once, for peers whose policy or entry is exact too.`,
		Example: `  tcpresume ask allow /sys/fs/cgroup/system.slice/web.service
  tcpresume ask allow /sys/fs/cgroup/lab.slice --mode exact --max-cwnd 1MiB --max-ssthresh 2MiB`,
		Args: takes("CGROUP"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ask, err := loader.AllowAsk(g.options(), args[0], rule)
			if err != nil {
				return err
			}
			for _, note := range ask.Notes {
				fmt.Fprintln(cmd.ErrOrStderr(), "note: "+note)
			}
			return g.printAsks(cmd, ask, ask)
		},
	}
	flags := cmd.Flags()
	addWord(cmd, flags, &rule.Mode, "mode", "", "mode", pathstore.AskModes, "the most that may be asked for")
	addBytes(flags, &rule.MaxCwnd, "max-cwnd", "largest window that may be asked for, below the policy's")
	addBytes(flags, &rule.MaxSsthresh, "max-ssthresh", "largest threshold that may be asked for, below the policy's")
	return cmd
}
