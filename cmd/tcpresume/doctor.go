// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/bpfman"
	"github.com/tcpresume/tcpresume/pkg/loader"
)

func newDoctor(g *global) *cobra.Command {
	var (
		cgroup string
		ask    bpfman.Options
		op     operatorFlags
		f      agentFlags
	)
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what tcpresume needs from this machine",
		Long: `Check everything that tcpresume needs from this machine and what is loaded, and
name the remedy for each finding. Nothing is changed. A warning keeps tcpresume
from doing all it can; a problem keeps it from working and makes the exit code 1.

Where the agent's configuration or --fleet names NATS servers, those are looked
at as well: by a hello there, as the agent's own.`,
		Example: `  tcpresume doctor
  tcpresume doctor --cgroup /sys/fs/cgroup/system.slice
  tcpresume doctor --fleet nats://nats.example:4222
  tcpresume doctor -o json | jq '.[] | select(.status!="ok")'`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts := g.options()
			opts.Cgroup = cgroup
			config, err := f.read()
			if err != nil {
				return input(err)
			}
			shared, err := f.fleetConfig(config)
			if err != nil {
				return input(err)
			}
			op.mayAdd(cmd, &ask)
			findings := slices.Concat(loader.Diagnose(opts), bpfman.Diagnose(cmd.Context(), opts, ask), g.agentFindings(cmd.Context()), fleetFindings(cmd.Context(), shared))
			if err := g.print(cmd, findings, func(w io.Writer) error { return printFindings(w, findings) }); err != nil {
				return err
			}
			problems := 0
			for _, f := range findings {
				if f.Status == loader.Problem {
					problems++
				}
			}
			if problems > 0 {
				return fmt.Errorf("%s found; the remedies are named above", plural(problems, "problem", "problems"))
			}
			return nil
		},
	}
	addPath(cmd.Flags(), &cgroup, "cgroup", "`PATH` of the cgroup v2 to look at (default all)")
	f.addFleet(cmd)
	g.addSocketDir(cmd.Flags())
	_ = cmd.MarkFlagDirname("cgroup")
	addBpfman(cmd, &ask)
	op.add(cmd)
	return cmd
}

func printFindings(w io.Writer, findings []loader.Finding) error {
	var rows [][]string
	for _, f := range findings {
		rows = append(rows, []string{f.Check, string(f.Status), f.Detail})
		if f.Remedy != "" {
			rows = append(rows, []string{"", "", "-> " + f.Remedy})
		}
	}
	return printTable(w, []string{"CHECK", "STATUS", "DETAIL"}, rowsOf(rows))
}
