// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// watch takes events from the agent, if one serves the very maps that are meant,
// else from the kernel. It opens the output once there is something to come.
func (g *global) watch(ctx context.Context, cmd *cobra.Command, open func() eventWriter) error {
	store, storeErr := g.open()
	if storeErr == nil {
		defer store.Close()
	} else if errors.Is(storeErr, pathstore.ErrNotLoaded) {
		return storeErr
	}
	stream, agentErr := client.Get(ctx, g.socketDir(), "/v1/events")
	switch {
	case agentErr != nil && storeErr != nil: // neither the maps nor the agent are this user's
		return fmt.Errorf("%w; %v", storeErr, agentErr) // the first decides on the exit code
	case agentErr != nil:
		var refused *client.Refused
		if errors.As(agentErr, &refused) || errors.Is(agentErr, fs.ErrPermission) {
			fmt.Fprintln(cmd.ErrOrStderr(), "note: "+errorLine(agentErr)+"; reading the kernel's events beside it, so each sees a part")
		}
		return g.watchRing(ctx, open())
	}
	defer stream.Body.Close()
	if storeErr == nil {
		id, err := store.EventsID()
		if err != nil {
			return err
		}
		if stream.Header.Get(agent.EventsHeader) != strconv.FormatUint(uint64(id), 10) {
			return g.watchRing(ctx, open())
		}
	}
	return readStream(ctx, stream, open())
}

func (g *global) watchRing(ctx context.Context, to eventWriter) error {
	return pathstore.WatchDir(ctx, g.mapsDir(), func(e pathstore.Event) error { return ended(ctx, to.kernel(e)) })
}

// ended prefers the end of time to success: a busy ring does not look at the clock.
func ended(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return ctx.Err()
}

func readStream(ctx context.Context, stream *http.Response, to eventWriter) error {
	lines := bufio.NewScanner(stream.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if err := ended(ctx, writeLine(lines.Bytes(), to)); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(errors.New("the agent has ended: watch again to read what follows"), lines.Err())
}

func writeLine(line []byte, to eventWriter) error {
	var kind struct {
		Kind string `json:"event"`
	}
	if err := json.Unmarshal(line, &kind); err != nil {
		return fmt.Errorf("event of the agent: %w", err)
	}
	switch kind.Kind {
	case agent.EventReport:
		return decodeTo(line, to.report)
	case agent.EventLost:
		return decodeTo(line, to.lost)
	}
	return decodeTo(line, to.kernel)
}

func decodeTo[E any](line []byte, to func(E) error) error {
	var e E
	if err := json.Unmarshal(line, &e); err != nil {
		return fmt.Errorf("event of the agent: %w", err)
	}
	return to(e)
}

// jsonEvents writes every event as it is.
type jsonEvents struct{ *json.Encoder }

func (j jsonEvents) kernel(e pathstore.Event) error   { return j.Encode(e) }
func (j jsonEvents) report(e agent.ReportEvent) error { return j.Encode(e) }
func (j jsonEvents) lost(e agent.LostEvent) error     { return j.Encode(e) }
