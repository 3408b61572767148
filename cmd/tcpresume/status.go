// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/bpfman"
	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// statusView is everything that answers why a connection was or was not resumed.
type statusView struct {
	Runtime  *loader.State           `json:"runtime"`          // null: the pins are not visible from here
	Bpfman   *bpfman.Report          `json:"bpfman,omitempty"` // how it stands to what bpfman has loaded
	Unread   string                  `json:"unread,omitempty"` // why nobody reads the maps that --maps names
	Paths    map[pathstore.State]int `json:"paths"`
	Counters map[string]uint64       `json:"counters"`
	Dropin   pathstore.Dropin        `json:"dropin"`
	Agent    *agent.Status           `json:"agent"` // null: none runs, or it does not answer this user

	agentNote string

	ordered []pathstore.Counter
}

func newStatus(g *global) *cobra.Command {
	var (
		all bool
		ask bpfman.Options
		op  operatorFlags
	)
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Show what is loaded and why connections were or were not resumed",
		Long: `Show what is in the kernel, how many paths are stored, and for every connection
since the maps were made which way out of the gate it took: resumed, or why not,
with the next step where there is one. Counters that are zero are left out
without --all.`,
		Example: `  tcpresume status
  tcpresume status --all
  tcpresume status -o json | jq .counters.no_saved_path`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			op.mayAdd(cmd, &ask)
			v, err := g.status(cmd, ask)
			if err != nil {
				return err
			}
			return g.print(cmd, v, func(w io.Writer) error { return printStatus(w, v, all) })
		},
	}
	g.addSocketDir(cmd.Flags())
	cmd.Flags().BoolVar(&all, "all", false, "show counters that are zero too")
	addBpfman(cmd, &ask)
	op.add(cmd)
	return cmd
}

func (g *global) status(cmd *cobra.Command, ask bpfman.Options) (statusView, error) {
	v := statusView{Paths: make(map[pathstore.State]int), Counters: make(map[string]uint64)}
	store, err := g.open()
	if errors.Is(err, pathstore.ErrNotLoaded) {
		if s, _ := g.askAgent(cmd.Context()); s != nil && s.EventsID == 0 && strings.Contains(s.Waiting, g.mapsDir()) {
			err = fmt.Errorf("%w; the agent in %s (pid %d) is %s", err, g.socketDir(), s.PID, s.Waiting)
		}
	}
	if err != nil {
		return v, err
	}
	defer store.Close()
	switch state, err := loader.Inspect(g.options()); {
	case err == nil:
		v.Runtime = &state
		if err := v.askBpfman(cmd, g, ask); err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "note: "+errorLine(err))
		}
	case !errors.Is(err, pathstore.ErrNotLoaded): // maps may be mounted where the pins are not
		fmt.Fprintln(cmd.ErrOrStderr(), "note: "+errorLine(err))
	}
	for _, state := range states {
		v.Paths[state] = 0
	}
	for e, err := range (filter{}).entries(cmd, store) {
		if err != nil {
			return v, err
		}
		v.Paths[e.State]++
	}
	if v.ordered, err = store.Counters(); err != nil {
		return v, err
	}
	for _, c := range v.ordered {
		v.Counters[c.Name] = c.Value
	}
	v.Agent, v.agentNote = g.agentStatus(cmd.Context(), store)
	v.Dropin, err = store.Dropin()
	return v, err
}

// agentStatus asks the agent that serves these maps, and says why if there is none.
func (g *global) agentStatus(ctx context.Context, store *pathstore.Store) (*agent.Status, string) {
	s, note := g.askAgent(ctx)
	if s == nil {
		return nil, note
	}
	if id, err := store.EventsID(); err != nil || id != s.EventsID {
		if s.EventsID == 0 {
			return nil, "the one in " + g.socketDir() + " is " + s.Waiting
		}
		return nil, "the one in " + g.socketDir() + " serves other maps"
	}
	return s, ""
}

func (g *global) askAgent(ctx context.Context) (*agent.Status, string) {
	ctx, cancel := context.WithTimeout(ctx, reportPatience)
	defer cancel()
	reply, err := client.Get(ctx, g.socketDir(), "/v1/status")
	switch {
	case errors.Is(err, client.ErrAway):
		return nil, "none in " + g.socketDir() + ": \"tcpresume agent\" takes reports of servers"
	case err != nil:
		return nil, errorLine(err)
	}
	defer reply.Body.Close()
	s := &agent.Status{}
	if err := json.NewDecoder(reply.Body).Decode(s); err != nil {
		return nil, errorLine(err)
	}
	return s, ""
}

// askBpfman adds how what runs stands to what bpfman has loaded, and to the maps that were named.
func (v *statusView) askBpfman(cmd *cobra.Command, g *global, ask bpfman.Options) error {
	err := bpfman.CheckMaps(g.mapsDir(), v.Runtime.Pins)
	if errors.Is(err, bpfman.ErrMismatch) {
		v.Unread, err = err.Error(), nil
	}
	if err != nil || v.Runtime.Origin == nil {
		return err
	}
	report, err := bpfman.Inspect(cmd.Context(), *v.Runtime, ask)
	if err == nil {
		v.Bpfman = &report
	}
	return err
}
