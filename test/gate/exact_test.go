// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"fmt"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
)

func TestWindowsAreWhatWasStoredWithinThePolicy(t *testing.T) {
	s := newStage(t, shortPath)
	for name, c := range map[string]struct {
		path                 resume.Path
		maxCwnd, maxSsthresh resume.Bytes
		cwnd, ssthresh       resume.Bytes // 0: infinite
	}{
		"as stored":             {path: resume.Path{Cwnd: 123_456, Ssthresh: 234_567}, cwnd: 123_456, ssthresh: 234_567},
		"ssthresh not known":    {path: resume.Path{Cwnd: 123_456}, cwnd: 123_456},
		"ssthresh below cwnd":   {path: resume.Path{Cwnd: 123_456, Ssthresh: 50_000}, cwnd: 123_456, ssthresh: 50_000},
		"below the default":     {path: resume.Path{Cwnd: 4_400, Ssthresh: 8_800}, cwnd: 4_400, ssthresh: 8_800},
		"cwnd capped":           {path: resume.Path{Cwnd: 123_456, Ssthresh: 234_567}, maxCwnd: 100_000, cwnd: 100_000, ssthresh: 234_567},
		"ssthresh capped":       {path: resume.Path{Cwnd: 123_456, Ssthresh: 234_567}, maxSsthresh: 200_000, cwnd: 123_456, ssthresh: 200_000},
		"cap above what stands": {path: resume.Path{Cwnd: 123_456, Ssthresh: 234_567}, maxCwnd: 200_000, maxSsthresh: 300_000, cwnd: 123_456, ssthresh: 234_567},
		"no ssthresh to cap":    {path: resume.Path{Cwnd: 123_456}, maxSsthresh: 200_000, cwnd: 123_456},
		"the largest window":    {path: resume.Path{Cwnd: 1<<32 - 1, Ssthresh: 1<<32 - 1}, cwnd: 1<<32 - 1, ssthresh: 1<<32 - 1},
	} {
		for cc := range controls {
			t.Run(fmt.Sprintf("%s, %s", name, cc), func(t *testing.T) {
				s.policy(t, func(p *resume.Policy) { p.MaxCwnd, p.MaxSsthresh = c.maxCwnd, c.maxSsthresh })
				s.put(t, c.path)
				p := s.connect(t, lab.ListenSpec{CC: cc}, lab.DialSpec{})
				segment := uint32(mss(t, p.server))
				want := windows{uint32(c.cwnd) / segment, lab.InfiniteSsthresh}
				if c.ssthresh != 0 {
					want.Ssthresh = uint32(c.ssthresh) / segment
				}
				check.Same(t, "windows", windowsOf(t, p.server), want)
				p.reset(t)
			})
		}
	}
}

// The original fallback program clamped the window to ssthresh for life.
func TestTheWindowGrowsPastSsthresh(t *testing.T) {
	const segment, stored, bytes = 1448, 40, 12_000_000
	for cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s := newStage(t, lab.Path{RTT: 20 * time.Millisecond, Rate: 100e6})
			s.put(t, resume.Path{Cwnd: stored * segment, Ssthresh: stored * segment})
			result, err := s.Fetch(check.Background(t), lab.ListenSpec{CC: cc, Cgroup: loaded.Cgroup}, lab.Fetch{Bytes: bytes})
			check.Must(t, err)
			check.Same(t, "windows at the start", windows{result.First.Snd_cwnd, result.First.Snd_ssthresh}, windows{stored, stored})
			var largest uint32
			for _, sample := range result.Samples {
				largest = max(largest, sample.Cwnd)
			}
			if largest <= 100 {
				t.Errorf("the window grew to %d segments at most, want more than 100", largest)
			}
			s.expect(t, resumedOnce.plus(closedWiser, counts{"window_sent": 1}, controls[cc].resumed, controls[cc].ended))
		})
	}
}

// The stack shrinks the window of a connection that was idle, also of one that never sent anything.
func TestAnIdleStartKeepsTheWindow(t *testing.T) {
	s := newStage(t, lab.Path{RTT: 20 * time.Millisecond, Rate: 100e6})
	for cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, resume.Path{Cwnd: 200_000, Ssthresh: 400_000})
			p := s.connect(t, lab.ListenSpec{CC: cc}, lab.DialSpec{})
			stored := windowsOf(t, p.server)
			time.Sleep(time.Second) // several retransmission timeouts: what the kernel calls idle
			s.Cut(true)             // no ACK changes the window before it is read
			write(t, p, 10_000)
			check.Same(t, "windows once the first bytes left", windowsOf(t, p.server), stored)
			s.Cut(false)
			p.reset(t)
		})
	}
}
