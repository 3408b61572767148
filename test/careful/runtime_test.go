// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
	"github.com/tcpresume/tcpresume/test/scene"
)

var slowPath = lab.Path{RTT: 400 * time.Millisecond, Rate: 20e6} // 1 MB, 690 segments

func TestApplicationReplacesTheControlWithinTheJump(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for cc, by := range map[string]string{"cubic": "reno", "reno": "cubic", "bbr": "cubic"} {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, s.BDP())
			p := s.Greeted(t, cc, lab.DialSpec{})
			wait := p.Start(1_000_000)
			s.Events.Change(t, p, "unvalidated")
			check.Must(t, lab.Control(p.Server, func(fd int) error {
				return unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, by)
			}))
			end := s.Events.Change(t, p, "normal")
			s.notTheJump(t, p, end.Cwnd)
			wait(t)
			check.Same(t, "congestion control", scene.Control(t, p.Server), by)
			s.Ended(t, p, jumps, "unvalidated, normal: replaced")

			next := s.Greeted(t, cc, lab.DialSpec{})
			next.Send(t, 200_000)
			s.Events.Change(t, next, "unvalidated")
			next.Reset(t)
		})
	}
}

// notTheJump: what nobody validates any more must not stay the window.
func (s *stage) notTheJump(t *testing.T, p *scene.Pair, cwnd uint32) {
	t.Helper()
	jump := s.Events.Change(t, p, "unvalidated")
	if cwnd >= jump.Cwnd {
		t.Errorf("the window is still %d segments, the unvalidated jump was to %d", cwnd, jump.Cwnd)
	}
}

func TestUpgradeWithinTheJump(t *testing.T) {
	s := newStage(t, slowPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, s.BDP())
			p := s.Greeted(t, cc, lab.DialSpec{})
			wait := p.Start(2_500_000)
			s.Events.Change(t, p, "unvalidated")
			runtime, err := loader.Up(check.Background(t), loaded.Options)
			check.Must(t, err)
			check.Must(t, runtime.Close())
			check.Same(t, "upgraded", runtime.Upgraded, true)
			wait(t)
			p.Reset(t)
			// Loading takes the cores from the server, so the pipe need not fill afterwards.
			story := s.Events.Story(p)
			check.Same(t, "story", story[:min(3, len(story))], []string{jumps, validates, fills})
		})
	}
}

func TestDownWithinTheJump(t *testing.T) {
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			t.Cleanup(func() {
				check.Must(t, loaded.Close())
				again, err := rig.New(check.Background(t))
				check.Must(t, err)
				loaded = again
			})
			s := newStage(t, slowPath)
			s.Put(t, s.BDP())
			p := s.Greeted(t, cc, lab.DialSpec{})
			wait := p.Start(1_500_000)
			s.Events.Change(t, p, "unvalidated")
			_, err := loader.Down(check.Background(t), loaded.Options)
			check.Must(t, err)
			end := s.Events.Change(t, p, "normal")
			check.Same(t, "congestion control", scene.Control(t, p.Server), cc)
			s.notTheJump(t, p, end.Cwnd)
			check.Same(t, "trigger", end.Trigger, "draining")
			wait(t)
		})
	}
}
