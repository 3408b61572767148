// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/loader"
)

func newUp(g *global) *cobra.Command {
	var (
		cgroup   string
		detach   bool
		maxPaths int
		serve    bool
		f        agentFlags
	)
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Load the kernel part, or replace a running one in place",
		Long: `Load the kernel part: attach the program that decides to a cgroup, register the
congestion controls that it uses, and pin everything. What runs already is
replaced in place while connections live.

Without --detach the command stays until Ctrl-C, as a service manager expects,
and no other "up" or "down" can interfere. The kernel part does not need it: it
goes on until "tcpresume down". With --agent the process that stays is the agent,
too; see "tcpresume agent".`,
		Example: `  tcpresume up --detach
  tcpresume up --agent
  tcpresume up --cgroup /sys/fs/cgroup/system.slice`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if maxPaths > math.MaxInt32>>1 {
				return input(fmt.Errorf("--max-paths: %d is more than the kernel can hold", maxPaths))
			}
			config, err := f.read()
			switch {
			case serve && detach:
				return input(errors.New("--agent needs this process to stay: leave --detach out, or run \"tcpresume agent\" beside it"))
			case serve && err != nil:
				return input(err)
			case !serve && (f.config != "" || f.metrics != "" || f.fleet != "" || g.sockets != ""):
				return input(errors.New("--config, --metrics, --fleet and --socket-dir are the agent's: add --agent"))
			}
			opts := g.options()
			opts.Cgroup, opts.MaxPaths = cgroup, uint32(maxPaths)
			running, err := loader.Up(cmd.Context(), opts)
			if err != nil {
				return err
			}
			defer running.Close()
			v := upView{running.State(), running.Upgraded, running.Notes}
			for _, note := range v.Notes {
				fmt.Fprintln(cmd.ErrOrStderr(), "note: "+note)
			}
			err = g.print(cmd, v, v.write)
			if err != nil || detach {
				return err
			}
			if serve {
				store, err := g.open()
				if err != nil {
					return err
				}
				defer store.Close()
				return g.serve(cmd, store, config, f)
			}
			notify("READY=1")
			<-cmd.Context().Done()
			fmt.Fprintln(cmd.ErrOrStderr(), "the kernel part goes on; remove it with \"tcpresume down\"")
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&serve, "agent", false, "take reports as \"tcpresume agent\" does")
	f.add(cmd)
	g.addSocketDir(flags)
	flags.StringVar(&cgroup, "cgroup", "", "`PATH` of the cgroup v2 whose connections resume (default all)")
	flags.BoolVarP(&detach, "detach", "d", false, "return as soon as the kernel part is up")
	addInt(flags, &maxPaths, "max-paths", "how many paths to make room for when the maps are made (default 1048576)")
	_ = cmd.MarkFlagDirname("cgroup")
	return cmd
}

// upView is what Up did.
type upView struct {
	loader.State
	Upgraded bool     `json:"upgraded"`
	Notes    []string `json:"notes,omitempty"`
}

func (v upView) write(w io.Writer) error {
	what := "up"
	if v.Upgraded {
		what = "replaced in place"
	}
	pairs := [][2]string{
		{what, fmt.Sprintf("%s, id %d, on cgroup %s", v.Program.Name, v.Program.ID, v.Cgroup)},
		{"pins", v.Pins},
	}
	return printPairs(w, append(pairs, wrapperPairs(v.State)...)...)
}
