// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

func TestMaxJumpBoundsTheJump(t *testing.T) {
	s := newStage(t, scene.MidPath)
	s.Policy(t, func(p *resume.Policy) { p.MaxJump = 100_000 })
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, s.BDP())
			p := s.Greeted(t, cc, lab.DialSpec{})
			s.jumpsTo(t, p, "max_jump", func(pathstore.Event) resume.Bytes { return 100_000 })
		})
	}
}

func TestReceiverWindowBoundsTheJump(t *testing.T) {
	s := newStage(t, scene.MidPath)
	small := func(fd int) error { return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, 98304) }
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, s.BDP())
			p := s.Greeted(t, cc, lab.DialSpec{Control: small})
			advertised := resume.Bytes(scene.Info(t, p.Server).Snd_wnd)
			check.Between(t, "window of the receiver", advertised, 90_000, 124_000)
			s.jumpsTo(t, p, "receiver_window", func(pathstore.Event) resume.Bytes { return advertised })
		})
	}
}

// A longer round-trip time than the saved one is a queue of others: the square of the ratio is left.
func TestStandingQueueShrinksTheJump(t *testing.T) {
	s := newStage(t, lab.Path{RTT: 60 * time.Millisecond, Rate: 50e6})
	saved := resume.Path{Cwnd: 600_000, RTT: 40 * time.Millisecond}
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, saved)
			p := s.Greeted(t, cc, lab.DialSpec{})
			s.jumpsTo(t, p, "standing_queue", func(jump pathstore.Event) resume.Bytes {
				now := uint64(max(jump.SRTT, jump.MinRTT).Microseconds())
				return resume.Bytes(300_000 * 40_000 / now * 40_000 / now)
			})
		})
	}
}

// jumpsTo compares the jump with what the event says, the socket uses and the wire carries.
func (s *stage) jumpsTo(t *testing.T, p *scene.Pair, limit string, want func(pathstore.Event) resume.Bytes) {
	t.Helper()
	w := s.record(t)
	wait := p.Start(400_000)
	jump := s.Events.Change(t, p, "unvalidated")
	held := scene.Info(t, p.Server).Snd_cwnd
	wait(t)
	check.Same(t, "limit", jump.Limit, limit)
	check.Same(t, "jump", jump.Jump, want(jump))
	check.Between(t, "window on the socket", held, jump.Cwnd-1, jump.Cwnd+1)
	start := w.at(t, jump.FirstUnval)
	if sent := w.bytes(start, start+s.Path().RTT); sent > int(jump.Jump) {
		t.Errorf("%d bytes left in a round trip, the jump is %d", sent, jump.Jump)
	}
	p.Reset(t)
}
