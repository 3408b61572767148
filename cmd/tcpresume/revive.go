// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/internal/calm"
	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/pkg/revive"
)

// revive brings what was stored to idle connections. It is no error of the verb if it cannot.
func (g *global) revive(cmd *cobra.Command, rule pathstore.Rule) {
	if rule.Policy.Mode == resume.ModeOff || rule.Policy.Live == resume.LiveNever {
		return
	}
	result, err := revive.Pass(cmd.Context(), loader.LiveLink(g.pinsDir()))
	switch {
	case errors.Is(err, pathstore.ErrNotLoaded): // maps may be mounted where the pins are not
	case err != nil:
		fmt.Fprintln(cmd.ErrOrStderr(), "note: "+errorLine(err))
	case result.Resumed() > 0:
		fmt.Fprintln(cmd.ErrOrStderr(), "note: "+plural(result.Resumed(), "idle connection resumes", "idle connections resume")+" from what is stored")
	}
}

// revived makes the passes that an agent's reports ask for; the policy of each
// peer has its say in the kernel.
type revived struct{ *revive.Reviver }

func (r revived) Reported(o agent.Outcome) {
	if o.Result == agent.Stored {
		r.Stored()
	}
}

// reviver tells of passes that fail, not of each.
func (g *global) reviver(log func(string, ...any)) revived {
	r := revive.New(loader.LiveLink(g.pinsDir()))
	few := calm.New(func(line string) { log("%s", line) }, 0, 0)
	r.Each = func(_ revive.Result, err error) {
		switch {
		case err == nil:
			few.Drop()
		case !errors.Is(err, context.Canceled):
			few.Printf("note: idle connections wait for their next report: %s", errorLine(err))
		}
	}
	return revived{r}
}
