// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// maxRate, in bytes/s, is far below the stored window per RTT and below the path's rate.
const maxRate = 3_000_000

func setMaxRate(fd int) error {
	return unix.SetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, maxRate)
}

// An application that limits its rate relies on the socket staying paced.
func TestTheApplicationsMaximumRateSurvives(t *testing.T) {
	s := newStage(t, shortPath)
	for _, cc := range []string{"cubic", "reno", "bbr"} {
		for name, c := range map[string]struct {
			listen lab.ListenSpec
			during bool
		}{
			"set before": {listen: lab.ListenSpec{CC: cc, Control: setMaxRate}},
			"set during": {listen: lab.ListenSpec{CC: cc}, during: true},
		} {
			t.Run(cc+" "+name, func(t *testing.T) {
				s.put(t, resume.Path{Cwnd: 200_000, Ssthresh: 400_000, RTT: shortPath.RTT})
				p := s.connect(t, c.listen, lab.DialSpec{})
				if c.during {
					p.send(t, 20_000)
					check.Must(t, lab.Control(p.server, setMaxRate))
				}
				for range 20 {
					p.send(t, enough/20)
					if rate := scene.Info(t, p.server).Pacing_rate; rate > maxRate {
						t.Fatalf("paced at %d bytes/s, the application allows %d", rate, maxRate)
					}
				}
				s.expect(t, resumedOnce.plus(counts{"window_sent": 1}, controls[cc].resumed, controls[cc].ended))
				check.Same(t, "SO_MAX_PACING_RATE", maxRateOf(t, p), maxRate)
				check.Same(t, "pacing", pacingStatus(t, s.Server, p.server), paced)
				p.reset(t)
				s.expect(t, closedOnce.plus(counts{"learnt_too_small": 1})) // it says nothing of the path
			})
		}
	}
}

func maxRateOf(t *testing.T, p pair) (rate uint64) {
	t.Helper()
	check.Must(t, lab.Control(p.server, func(fd int) (err error) {
		rate, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE)
		return err
	}))
	return rate
}
