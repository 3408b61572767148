// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// RFC 9959 3.2, the vectors' T11: entry is deferred until there is more data.
func TestLittleDataNeverJumps(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, s.BDP())
			p := s.Open(t, cc, lab.DialSpec{})
			for range 4 {
				p.Send(t, 3000)
			}
			check.Same(t, "entry", s.Entry(t, s.Client.IPv4).State, pathstore.StateFree)
			check.Same(t, "congestion control", scene.Control(t, p.Server), "resume_"+cc)
			s.Ended(t, p)
			check.Same(t, "uses", s.Entry(t, s.Client.IPv4).Uses, 0)
		})
	}
}

// A jump of which the application uses next to nothing leaves slow start's window.
func TestUnusedJumpIsGivenBack(t *testing.T) {
	s := newStage(t, scene.MidPath)
	const segment = 1448
	for _, cc := range scene.Controls[:2] { // BBR's window is not what its flight was
		t.Run(cc, func(t *testing.T) {
			check.Must(t, s.Forget(s.Client.IPv4))
			cold := s.Open(t, cc, lab.DialSpec{})
			cold.Send(t, 31*segment)
			slowStart := scene.Info(t, cold.Server).Snd_cwnd
			cold.Reset(t)

			s.Put(t, s.BDP())
			p := s.Open(t, cc, lab.DialSpec{})
			p.Send(t, 31*segment)
			change := s.Events.Change(t, p, "normal")
			check.Between(t, "window then, with ACKs to come", change.Cwnd, 20, slowStart)
			check.Between(t, "window on the socket", scene.Info(t, p.Server).Snd_cwnd, slowStart, 2*slowStart)
			s.Ended(t, p, jumps, "unvalidated, normal: rate_limited")
			check.Same(t, "entry", scene.StateOf(s.Entry(t, s.Client.IPv4)), scene.EntryState{State: pathstore.StateFree, Uses: 1})
		})
	}
}

// The phase's clock begins with its first packet, not with the connection.
func TestJumpAfterIdle(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, s.BDP())
			p := s.Greeted(t, cc, lab.DialSpec{})
			time.Sleep(500 * time.Millisecond)
			p.Send(t, 3_000_000)
			s.Ended(t, p, jumps, validates, fills, isFull)
		})
	}
}

// Idle in the middle of the jump: what was sent is validated, and the rest is
// normal congestion control's, as what was measured of the pipe is old by then.
func TestIdleWithinTheJump(t *testing.T) {
	s := newStage(t, scene.MidPath)
	for _, cc := range scene.Controls {
		t.Run(cc, func(t *testing.T) {
			s.Put(t, s.BDP())
			p := s.Greeted(t, cc, lab.DialSpec{})
			p.Send(t, 60_000)
			validated := s.Events.Change(t, p, "validating")
			// 41 segments were sent, and the jump is 86.
			check.Between(t, "window in Validating", validated.Cwnd, 20, 50)
			time.Sleep(500 * time.Millisecond)
			before := scene.Info(t, p.Server)
			check.Between(t, "window after the idle time", before.Snd_cwnd, 10, validated.Cwnd+42)
			p.Send(t, 3_000_000)
			check.Same(t, "retransmissions until then", s.Events.Change(t, p, "normal").Retrans, 0)
			s.Ended(t, p, jumps, validates, fills, "filling, normal: rate_limited")
		})
	}
}
