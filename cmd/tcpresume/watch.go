// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

var errEnough = errors.New("enough events")

const formatQlog format = "qlog"

// eventWriter writes what happens in one format.
type eventWriter interface {
	kernel(e pathstore.Event) error
	report(e agent.ReportEvent) error
	lost(e agent.LostEvent) error
}

func newWatch(g *global) *cobra.Command {
	var (
		most     int
		duration time.Duration
		as       format
	)
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Show live what is reported, which connections resume, and how it ends",
		Long: `Show one line for each connection that resumes, changes its phase or closes, and
for each report that the agent gets, from now on until Ctrl-C. Windows after
"cwnd" are segments.

While an agent runs, the events come from it, to any number of watchers. Without
one, watch reads the kernel's ring itself, which hands each event to one reader
only: of two that watch then, each sees a part.

Connections that were not resumed make no event; "tcpresume status" counts them
by reason. With -o qlog the phases of RFC 9959 are written as a qlog file in
JSON text sequences (RFC 7464).`,
		Example: `  tcpresume watch
  tcpresume watch --for 1m -o json > events.ndjson
  tcpresume watch -o qlog > resume.sqlog
  tcpresume watch --count 1`,
		Args:              takes(),
		ValidArgsFunction: cobra.NoFileCompletions,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx := cmd.Context()
			if duration > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, duration)
				defer cancel()
			}
			err := g.watch(ctx, cmd, func() eventWriter {
				to := newEventWriter(as, cmd.OutOrStdout())
				if most > 0 {
					to = &counted{to, most}
				}
				return to
			})
			if errors.Is(err, errEnough) || ctx.Err() != nil && errors.Is(err, ctx.Err()) {
				return nil
			}
			return err
		},
	}
	addWord(cmd, cmd.Flags(), &as, "output", "o", "format", []format{formatTable, formatJSON, formatQlog}, "")
	addDuration(cmd.Flags(), &duration, "for", "end after this time")
	addInt(cmd.Flags(), &most, "count", "end after so many events")
	g.addSocketDir(cmd.Flags())
	return cmd
}

func newEventWriter(as format, w io.Writer) eventWriter {
	switch as {
	case formatJSON:
		return jsonEvents{newEncoder(w)}
	case formatQlog:
		return newQlog(w)
	}
	return newEventLines(w)
}

// counted ends after so many events.
type counted struct {
	eventWriter
	left int
}

func (c *counted) one(err error) error {
	if c.left--; err == nil && c.left == 0 {
		return errEnough
	}
	return err
}

func (c *counted) kernel(e pathstore.Event) error   { return c.one(c.eventWriter.kernel(e)) }
func (c *counted) report(e agent.ReportEvent) error { return c.one(c.eventWriter.report(e)) }
