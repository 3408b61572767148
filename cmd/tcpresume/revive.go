// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

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
