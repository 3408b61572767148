// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

const (
	envPins = "TCPRESUME_PINS"
	envMaps = "TCPRESUME_MAPS"
)

// global holds the flags that every verb has. Environment variables are read
// when asked for, so that generated help does not depend on who generates it.
type global struct {
	pins, maps string
	sockets    string // of the verbs that have --socket-dir
	output     format
}

func newRoot() *cobra.Command {
	g := &global{output: formatTable}
	root := &cobra.Command{
		Use:   "tcpresume",
		Short: "Let TCP connections resume from saved congestion state",
		Long: `tcpresume lets a TCP connection resume from the congestion window, slow-start
threshold and round-trip time that were saved for its peer. The kernel part does
it by eBPF and goes on without this program; the verbs here put it up and down,
store paths, and say why a connection was or was not resumed.

Data goes to stdout, as a table or with -o json, messages go to stderr.

` + exitHelp + `

Environment:

    ` + envPins + `     directory of the pins, as --pins
    ` + envMaps + `     directory of the maps, as --maps
    ` + envSockets + `  directory of the agent's sockets, as --socket-dir`,
		Example: `  tcpresume up --detach
  tcpresume put 192.0.2.1 --cwnd 256KiB --ssthresh 512KiB --rtt 80ms --mode exact
  tcpresume watch
  tcpresume status`,
		Args:          verbArg,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(flagError)
	flags := root.PersistentFlags()
	addPath(flags, &g.pins, "pins", "`DIR` on a bpffs with everything that is pinned (default "+loader.DefaultPins+")")
	addPath(flags, &g.maps, "maps", "`DIR` of the pinned maps, wherever they are mounted (default maps below --pins)")
	addWord(root, flags, &g.output, "output", "o", "format", []format{formatTable, formatJSON}, "")
	_ = root.MarkPersistentFlagDirname("pins")
	_ = root.MarkPersistentFlagDirname("maps")

	root.AddGroup(&cobra.Group{ID: "kernel", Title: "The kernel part:"}, &cobra.Group{ID: "paths", Title: "Paths and policies:"})
	root.AddGroup(&cobra.Group{ID: "agent", Title: "The agent:"})
	addGroup(root, "agent", newAgent(g), newReport(g))
	addGroup(root, "kernel", newUp(g), newDown(g), newStatus(g), newWatch(g), newDoctor(g))
	addGroup(root, "paths", newPut(g), newGet(g), newList(g), newDelete(g), newFlush(g), newLoad(g), newDump(g), newPolicy(g), newAsk(g))
	root.AddCommand(newImage(g), newVersion(g), newSeccomp(), newDocs())
	return root
}

func addGroup(parent *cobra.Command, id string, verbs ...*cobra.Command) {
	for _, verb := range verbs {
		verb.GroupID = id
	}
	parent.AddCommand(verbs...)
}

// verbArg is for commands that only hold others; cobra's own message has many lines.
func verbArg(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	hint := fmt.Sprintf("\"%s --help\" lists them", cmd.CommandPath())
	for _, cmd.SuggestionsMinimumDistance = range []int{1, 2} {
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = "did you mean " + strings.Join(near, " or ") + "?"
			break
		}
	}
	return input(fmt.Errorf("%q is not a verb of %s: %s", args[0], cmd.CommandPath(), hint))
}

func (g *global) pinsDir() string {
	return cmp.Or(g.pins, envPath(envPins), loader.DefaultPins)
}

// mapsDir lets a flag outrank the environment, also the other flag.
func (g *global) mapsDir() string {
	if g.maps == "" && g.pins != "" {
		return loader.MapsDir(g.pins)
	}
	return cmp.Or(g.maps, envPath(envMaps), loader.MapsDir(g.pinsDir()))
}

func (g *global) options() loader.Options { return loader.Options{Pins: g.pinsDir()} }

func (g *global) open() (*pathstore.Store, error) { return pathstore.Open(g.mapsDir()) }
