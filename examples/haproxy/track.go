// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"time"

	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

const (
	worthAReport  = 64 << 10
	between       = time.Second     // reports of one connection, however often HAProxy is asked
	initialWindow = 10 * fullPacket // bytes; HAProxy's default
)

// tracker knows what each connection has told.
type tracker struct {
	reporter *client.Reporter
	seen     map[string]*seen
}

type seen struct {
	latest resume.Report
	told   uint64 // bytes it had sent when it was reported
	at     time.Time
	here   bool
}

func newTracker(reporter *client.Reporter) *tracker {
	return &tracker{reporter: reporter, seen: make(map[string]*seen)}
}

// look takes all connections that there are at a time; those that are gone report
// what was last seen of them.
func (t *tracker) look(ctx context.Context, at time.Time, all []resume.Report) {
	for _, s := range t.seen {
		s.here = false
	}
	for _, r := range all {
		s := t.seen[r.ID]
		if s == nil {
			s = &seen{}
			t.seen[r.ID] = s
		}
		s.latest, s.here = r, true
		if r.Sent >= s.told+worthAReport && at.Sub(s.at) >= between {
			s.told, s.at = r.Sent, at
			t.report(ctx, s, resume.ReportTick)
		}
	}
	for id, s := range t.seen {
		if !s.here {
			delete(t.seen, id)
			if s.latest.Sent > initialWindow {
				t.report(ctx, s, resume.ReportClose)
			}
		}
	}
}

// report ignores an agent that is away or busy: the next round makes up for it.
func (t *tracker) report(ctx context.Context, s *seen, event resume.ReportEvent) {
	s.latest.Event = event
	_ = t.reporter.Report(ctx, s.latest)
}
