// SPDX-License-Identifier: Apache-2.0

package example

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// Events is what the agent tells of one peer: reports, and the kernel's events
// of its TCP connections.
type Events struct {
	peer netip.Addr
	stop context.CancelFunc
	done chan struct{}

	mu      sync.Mutex
	kernel  []pathstore.Event
	reports []agent.ReportEvent
	failed  error
}

// Watch notes events from now until Close.
func Watch(ctx context.Context, peer netip.Addr) (*Events, error) {
	ctx, stop := context.WithCancel(ctx)
	stream, err := client.Get(ctx, "", "/v1/events")
	if err != nil {
		stop()
		return nil, fmt.Errorf("watch: %w", err)
	}
	e := &Events{peer: peer, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(e.done)
		defer stream.Body.Close()
		for lines := bufio.NewScanner(stream.Body); lines.Scan(); {
			e.note(lines.Bytes())
		}
	}()
	return e, nil
}

func (e *Events) note(line []byte) {
	var kind struct {
		Kind string `json:"event"`
	}
	var event pathstore.Event
	var report agent.ReportEvent
	err := json.Unmarshal(line, &kind)
	switch {
	case err != nil:
	case kind.Kind == agent.EventReport:
		err = json.Unmarshal(line, &report)
	default:
		err = json.Unmarshal(line, &event)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	switch {
	case err != nil:
		e.failed = fmt.Errorf("event %s: %w", line, err)
	case report.Peer == e.peer:
		e.reports = append(e.reports, report)
	case event.Peer.Addr() == e.peer:
		e.kernel = append(e.kernel, event)
	}
}

// Close ends the watching and returns what went wrong in it.
func (e *Events) Close() error {
	e.stop()
	<-e.done
	return e.failed
}

// Kernel returns the kernel's events of some kinds, or all, so far.
func (e *Events) Kernel(kinds ...string) []pathstore.Event {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(e.kernel), func(event pathstore.Event) bool {
		return len(kinds) > 0 && !slices.Contains(kinds, event.Kind)
	})
}

// Reports returns the reports so far, refused ones too.
func (e *Events) Reports() []agent.ReportEvent {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.reports)
}

// Story is every change of phase so far.
func (e *Events) Story() (told []string) {
	for _, event := range e.Kernel("phase") {
		told = append(told, fmt.Sprintf("%s, %s: %s", event.OldPhase, event.Phase, event.Trigger))
	}
	return told
}

// Record is what happened in its order, a line each, for people.
func (e *Events) Record() (lines []string) {
	type line struct {
		at   time.Time
		text string
	}
	var all []line
	for _, event := range e.Kernel() {
		all = append(all, line{event.At, fmt.Sprintf("%-5s  %s", event.CC, tell(event))})
	}
	for _, r := range e.Reports() {
		all = append(all, line{r.At, fmt.Sprintf("report  %s %s: cwnd %d, saved %d/%d", r.Result, r.Reason, r.Cwnd, r.Saved, r.SavedS)})
	}
	slices.SortStableFunc(all, func(a, b line) int { return a.at.Compare(b.at) })
	for _, l := range all {
		lines = append(lines, l.at.Format("15:04:05.000")+"  "+l.text)
	}
	return lines
}

func tell(e pathstore.Event) string {
	switch e.Kind {
	case "resumed":
		return fmt.Sprintf("%v resumed from %d bytes, rtt %v, source %s, mode %s", e.Peer, e.SavedCwnd, e.SavedRTT, e.Source, e.Mode)
	case "phase":
		return fmt.Sprintf("%v %s -> %s (%s), cwnd %d segments, %d bytes acked", e.Peer, e.OldPhase, e.Phase, e.Trigger, e.Cwnd, e.BytesAcked)
	case "closed":
		return fmt.Sprintf("%v closed, %d bytes acked, %d retransmits, min rtt %v", e.Peer, e.BytesAcked, e.Retrans, e.MinRTT)
	}
	return fmt.Sprintf("%v %s", e.Peer, e.Kind)
}
