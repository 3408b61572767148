// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

func TestPathOfOneReport(t *testing.T) {
	for name, c := range map[string]struct {
		report func(*resume.Report)
		path   func(*resume.Path)
	}{
		"no loss leaves the threshold open":    {nil, nil},
		"a known threshold":                    {func(r *resume.Report) { r.Ssthresh = 200_000 }, func(p *resume.Path) { p.Ssthresh = 200_000 }},
		"an infinite threshold, signed":        {func(r *resume.Report) { r.Ssthresh = 1<<31 - 1 }, nil},
		"an infinite threshold, 64 bits":       {func(r *resume.Report) { r.Ssthresh = 1<<64 - 1 }, nil},
		"lsquic's threshold that was not set":  {func(r *resume.Report) { r.Ssthresh = 14_600_000 }, nil},
		"a loss without a threshold":           {func(r *resume.Report) { r.Lost = 3 }, func(p *resume.Path) { p.Ssthresh = 300_000 }},
		"an infinite threshold after a loss":   {func(r *resume.Report) { r.Ssthresh, r.Lost = 1<<64-1, 3 }, func(p *resume.Path) { p.Ssthresh = 300_000 }},
		"BBR with its bandwidth":               {func(r *resume.Report) { r.CC, r.Bandwidth = "BBRv1", 5_000_000 }, func(p *resume.Path) { p.Cwnd, p.Ssthresh = 100_000, 100_000 }},
		"BBR whose window is below the BDP":    {func(r *resume.Report) { r.CC, r.Bandwidth = "bbr2", 50_000_000 }, func(p *resume.Path) { p.Ssthresh = 1_000_000 }},
		"BBR without a bandwidth":              {func(r *resume.Report) { r.CC, r.Ssthresh, r.Lost = "bbr", 7, 9 }, func(p *resume.Path) { p.Cwnd = 150_000 }},
		"a smoothed round trip for want of it": {func(r *resume.Report) { r.MinRTT = 0 }, func(p *resume.Path) { p.RTT = 25 * time.Millisecond }},
		"a window beyond 32 bits":              {func(r *resume.Report) { r.Cwnd = 1 << 40 }, func(p *resume.Path) { p.Cwnd = 1<<32 - 1 }},
		"a mode":                               {func(r *resume.Report) { r.Mode = resume.ModeOff }, func(p *resume.Path) { p.Mode = resume.ModeOff }},
	} {
		want := stored(c.path)
		want.TTL = 0
		if got := pathOf(grown(c.report)); got != want {
			t.Errorf("%s:\n  got  %+v\n  want %+v", name, got, want)
		}
	}
}
