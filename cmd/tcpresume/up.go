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
		adopt    bool
		f        agentFlags
		by       runtimeFlags
	)
	cmd := &cobra.Command{
		Use:   "up",
		Short: "Load the kernel part, or replace a running one in place",
		Long: `Load the kernel part: attach the program that decides to a cgroup, register the
congestion controls that it uses, and pin everything. What runs already is
replaced in place while connections live.

With --runtime bpfman programs and maps are those that bpfman has loaded from
tcpresume's image; see docs/bpfman.md. Where bpfman could load the program that
decides, that one is attached; where it could load the companion only, tcpresume
loads the rest over its maps. While the command stays, it follows bpfman to a new
load, with everything that is stored.

With --application bpfman-operator is asked what it has loaded on this node, and
"up" waits for it: see docs/kubernetes.md.

Without --detach the command stays until Ctrl-C, as a service manager expects,
and no other "up" or "down" can interfere. The kernel part does not need it: it
goes on until "tcpresume down". With --agent the process that stays is the agent,
too; see "tcpresume agent".`,
		Example: `  tcpresume up --detach
  tcpresume up --agent
  tcpresume up --cgroup /sys/fs/cgroup/system.slice
  tcpresume up --runtime bpfman
  tcpresume up --runtime bpfman --program-id 57 --on-unload down
  tcpresume up --runtime bpfman --application tcpresume --health :8089`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if maxPaths > math.MaxInt32>>1 {
				return input(fmt.Errorf("--max-paths: %d is more than the kernel can hold", maxPaths))
			}
			config, err := f.read()
			if err == nil && serve {
				_, err = f.check(config)
			}
			switch {
			case serve && detach:
				return input(errors.New("--agent needs this process to stay: leave --detach out, or run \"tcpresume agent\" beside it"))
			case serve && by.operator.named():
				return input(errors.New("--agent and --application: run \"tcpresume agent\" beside it, which needs fewer rights, as manifests/ do"))
			case serve && err != nil:
				return input(err)
			case !serve && (f.config != "" || f.metrics != "" || f.fleet != "" || g.sockets != ""):
				return input(errors.New("--config, --metrics, --fleet and --socket-dir are the agent's: add --agent"))
			}
			opts := g.options()
			opts.Cgroup, opts.MaxPaths, opts.Adopt = cgroup, uint32(maxPaths), adopt
			by.serves = serve
			if err := by.choose(cmd, g); err != nil {
				return err
			}
			if by.waits(detach) {
				return by.stay(cmd, nil, opts)
			}
			running, err := by.up(cmd.Context(), opts)
			if err != nil {
				return err
			}
			v := upView{running.State(), running.Upgraded, running.Notes}
			for _, note := range v.Notes {
				fmt.Fprintln(cmd.ErrOrStderr(), "note: "+note)
			}
			err = g.print(cmd, v, v.write)
			if err != nil || detach {
				return errors.Join(err, running.Close())
			}
			if err := by.staying(cmd, running, opts, func() error {
				if serve {
					return g.serve(cmd, config, f)
				}
				notify("READY=1")
				return nil
			}); err != nil {
				return err
			}
			fmt.Fprintln(cmd.ErrOrStderr(), "the kernel part goes on; remove it with \"tcpresume down\"")
			return nil
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&serve, "agent", false, "take reports as \"tcpresume agent\" does")
	f.add(cmd)
	g.addSocketDir(flags)
	addPath(flags, &cgroup, "cgroup", "`PATH` of the cgroup v2 whose connections resume (default all)")
	flags.BoolVarP(&detach, "detach", "d", false, "return as soon as the kernel part is up")
	flags.BoolVar(&adopt, "adopt", false, "take over what is up and has lost its pins, as when its bpffs was unmounted lazily")
	addInt(flags, &maxPaths, "max-paths", "how many paths to make room for when the maps are made (default 1048576)")
	by.add(cmd)
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
	if v.Origin != nil {
		pairs = append(pairs, [2]string{"runtime", originText(*v.Origin)})
	}
	return printPairs(w, append(pairs, wrapperPairs(v.State)...)...)
}
