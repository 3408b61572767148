// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

const (
	worthAReport  = 64 << 10
	initialWindow = 10 * fullPacket // bytes; HAProxy's default
)

// tracker knows what each connection has told.
type tracker struct {
	reporter *client.Reporter
	seen     map[string]*seen
}

type seen struct {
	latest resume.Report
	told   uint64 // bytes it had sent then
	round  int
}

func newTracker(reporter *client.Reporter) *tracker {
	return &tracker{reporter: reporter, seen: make(map[string]*seen)}
}

// look takes all connections that there are now; those that are gone report
// what was last seen of them.
func (t *tracker) look(ctx context.Context, now []resume.Report) {
	for _, s := range t.seen {
		s.round = 0
	}
	for _, r := range now {
		s := t.seen[r.ID]
		if s == nil {
			s = &seen{}
			t.seen[r.ID] = s
		}
		s.latest, s.round = r, 1
		if r.Sent >= s.told+worthAReport {
			t.report(ctx, s, resume.ReportTick)
		}
	}
	for id, s := range t.seen {
		if s.round == 0 {
			delete(t.seen, id)
			if s.latest.Sent > initialWindow {
				t.report(ctx, s, resume.ReportClose)
			}
		}
	}
}

// report ignores an agent that is away or busy: the next round makes up for it.
func (t *tracker) report(ctx context.Context, s *seen, event resume.ReportEvent) {
	s.latest.Event, s.told = event, s.latest.Sent
	_ = t.reporter.Report(ctx, s.latest)
}
