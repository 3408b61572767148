// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/lab"
)

// RFC 9959 3.2, the vectors' T11: entry is deferred until there is more data.
func TestLittleDataNeverJumps(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		s.put(t, s.bdp())
		p := s.open(t, cc, lab.DialSpec{})
		for range 4 {
			p.send(t, 3000)
		}
		same(t, "entry", s.entry(t, s.Client.IPv4).State, pathstore.StateFree)
		same(t, "congestion control", control(t, p.server), "resume_"+cc)
		s.ended(t, p)
		same(t, "uses", s.entry(t, s.Client.IPv4).Uses, 0)
	}
}

// A jump of which the application uses next to nothing leaves slow start's window.
func TestUnusedJumpIsGivenBack(t *testing.T) {
	s := newStage(t, midPath)
	const segment = 1448
	for _, cc := range controls[:2] { // BBR's window is not what its flight was
		t.Run(cc, func(t *testing.T) {
			must(t, deleted(s.Client.IPv4))
			cold := s.open(t, cc, lab.DialSpec{})
			cold.send(t, 31*segment)
			slowStart := info(t, cold.server).Snd_cwnd
			cold.reset(t)

			s.put(t, s.bdp())
			p := s.open(t, cc, lab.DialSpec{})
			p.send(t, 31*segment)
			change := s.Events.change(t, p, "normal")
			between(t, "window then, with ACKs to come", change.Cwnd, 20, slowStart)
			between(t, "window on the socket", info(t, p.server).Snd_cwnd, slowStart, 2*slowStart)
			s.ended(t, p, jumps, "unvalidated, normal: rate_limited")
			same(t, "entry", stateOf(s.entry(t, s.Client.IPv4)), entryState{State: pathstore.StateFree, Uses: 1})
		})
	}
}

// The phase's clock begins with its first packet, not with the connection.
func TestJumpAfterIdle(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, s.bdp())
			p := s.greeted(t, cc, lab.DialSpec{})
			time.Sleep(500 * time.Millisecond)
			p.send(t, 3_000_000)
			s.ended(t, p, jumps, validates, fills, isFull)
		})
	}
}

// Idle in the middle of the jump: what was sent is validated, and the rest starts from there.
func TestIdleWithinTheJump(t *testing.T) {
	s := newStage(t, midPath)
	for _, cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, s.bdp())
			p := s.greeted(t, cc, lab.DialSpec{})
			p.send(t, 60_000)
			validated := s.Events.change(t, p, "validating")
			// 41 segments were sent, and the jump is 86.
			between(t, "window in Validating", validated.Cwnd, 20, 50)
			time.Sleep(500 * time.Millisecond)
			before := info(t, p.server)
			between(t, "window after the idle time", before.Snd_cwnd, 10, validated.Cwnd+42)
			p.send(t, 3_000_000)
			same(t, "retransmissions before the pipe is full", s.Events.change(t, p, "normal").Retrans, 0)
			s.ended(t, p, jumps, validates, fills, isFull)
		})
	}
}
