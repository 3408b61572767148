// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

var errEnough = errors.New("enough events")

func newWatch(g *global) *cobra.Command {
	var (
		most     int
		duration time.Duration
	)
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Show live which connections resume, from what, and how it ends",
		Long: `Show one line for each connection that resumes, changes its phase or closes, from
now on until Ctrl-C. Windows after "cwnd" are segments. The kernel hands each
event to one reader only: of two that watch at once, each sees a part.

Connections that were not resumed make no event; "tcpresume status" counts them
by reason.`,
		Example: `  tcpresume watch
  tcpresume watch --for 1m -o json > events.ndjson
  tcpresume watch --count 1`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			store, err := g.open() // what is wrong is said before the headings
			if err != nil {
				return err
			}
			store.Close()
			ctx := cmd.Context()
			if duration > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, duration)
				defer cancel()
			}
			write := g.eventWriter(cmd.OutOrStdout())
			seen := 0
			err = pathstore.WatchDir(ctx, g.mapsDir(), func(e pathstore.Event) error {
				if err := write(e); err != nil {
					return err
				}
				if seen++; seen == most {
					return errEnough
				}
				return ctx.Err() // a busy ring does not look at the clock
			})
			if errors.Is(err, errEnough) || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return nil
			}
			return err
		},
	}
	addDuration(cmd.Flags(), &duration, "for", "end after this time")
	addInt(cmd.Flags(), &most, "count", "end after so many events")
	return cmd
}

func (g *global) eventWriter(w io.Writer) func(pathstore.Event) error {
	if g.output == formatJSON {
		encoder := newEncoder(w)
		return func(e pathstore.Event) error { return encoder.Encode(e) }
	}
	return newEventLines(w).write
}
