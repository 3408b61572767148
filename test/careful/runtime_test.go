// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

var slowPath = lab.Path{RTT: 400 * time.Millisecond, Rate: 20e6} // 1 MB, 690 segments

func TestApplicationReplacesTheControlWithinTheJump(t *testing.T) {
	s := newStage(t, midPath)
	for cc, by := range map[string]string{"cubic": "reno", "reno": "cubic", "bbr": "cubic"} {
		t.Run(cc, func(t *testing.T) {
			s.put(t, s.bdp())
			p := s.greeted(t, cc, lab.DialSpec{})
			wait := p.start(1_000_000)
			s.Events.change(t, p, "unvalidated")
			must(t, lab.Control(p.server, func(fd int) error {
				return unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, by)
			}))
			end := s.Events.change(t, p, "normal")
			s.notTheJump(t, p, end.Cwnd)
			wait(t)
			same(t, "congestion control", control(t, p.server), by)
			s.ended(t, p, jumps, "unvalidated, normal: replaced")

			next := s.greeted(t, cc, lab.DialSpec{})
			next.send(t, 200_000)
			s.Events.change(t, next, "unvalidated")
			next.reset(t)
		})
	}
}

// notTheJump: what nobody validates any more must not stay the window.
func (s *stage) notTheJump(t *testing.T, p *pair, cwnd uint32) {
	t.Helper()
	jump := s.Events.change(t, p, "unvalidated")
	if cwnd >= jump.Cwnd {
		t.Errorf("the window is still %d segments, the unvalidated jump was to %d", cwnd, jump.Cwnd)
	}
}

func TestUpgradeWithinTheJump(t *testing.T) {
	s := newStage(t, slowPath)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, s.bdp())
			p := s.greeted(t, cc, lab.DialSpec{})
			wait := p.start(2_500_000)
			s.Events.change(t, p, "unvalidated")
			runtime, err := loader.Up(background(t), loaded.Options)
			must(t, err)
			must(t, runtime.Close())
			same(t, "upgraded", runtime.Upgraded, true)
			wait(t)
			p.reset(t)
			// Loading takes the cores from the server, so the pipe need not fill afterwards.
			story := s.Events.story(p)
			same(t, "story", story[:min(3, len(story))], []string{jumps, validates, fills})
		})
	}
}

func TestDownWithinTheJump(t *testing.T) {
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			t.Cleanup(func() {
				must(t, loaded.Close())
				again, err := rig.New(background(t))
				must(t, err)
				loaded = again
			})
			s := newStage(t, slowPath)
			s.put(t, s.bdp())
			p := s.greeted(t, cc, lab.DialSpec{})
			wait := p.start(1_500_000)
			s.Events.change(t, p, "unvalidated")
			_, err := loader.Down(background(t), loaded.Options)
			must(t, err)
			end := s.Events.change(t, p, "normal")
			same(t, "congestion control", control(t, p.server), cc)
			s.notTheJump(t, p, end.Cwnd)
			same(t, "trigger", end.Trigger, "draining")
			wait(t)
		})
	}
}
