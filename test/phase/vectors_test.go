// SPDX-License-Identifier: Apache-2.0

package phase

import "testing"

const forever = 0 // no max_jump

// The vectors of RFC 9959's appendix B and of its text, in packets of one byte:
// IW 10, saved window 300. Where the RFC's rule and its examples disagree, the
// number is that of this implementation and the comment says why. T7 and T8 are
// about the claim, which is no part of the step function: test/careful has them.
func TestVectors(t *testing.T) {
	t.Run("T1 success", func(t *testing.T) { // B.1
		s := readyToJump(t, 1, 300, forever, 29)
		s.send()
		s.want(unvalidated, windowLimited, 150)
		s.wantPipe(29)
		if sent := s.nxt - uint64(s.Phase.FirstUnvalidated); sent != 121 {
			t.Fatalf("%d unvalidated packets left, want 121", sent)
		}
		s.event(inputAck) // the first that shows the whole window in flight
		s.want(validating, lastSent, 150)
		s.ack(29)
		s.want(validating, none, 150)
		s.wantPipe(29) // 3.3 counts the flight twice; here it is the larger of both
		s.ack(120)
		s.want(validating, none, 29+149) // held, but never below what slow start would have had
		s.wantPipe(149)
		s.ack(1)
		s.want(filling, lastAcknowledged, 29+150)
		s.wantPipe(150)
		s.wantSsthresh(0) // 3.7: slow start goes on
		s.send()
		s.ack(50)
		s.want(filling, none, 179+50)
	})
	t.Run("T1 success by the ACK of packet 30", func(t *testing.T) { // B.1, the other way into Validating
		s := readyToJump(t, 1, 300, forever, 29)
		s.send()
		s.ack(29)
		s.want(unvalidated, none, 150)
		s.ack(1)
		s.want(validating, firstAcknowledged, 120)
		s.ack(120)
		s.want(filling, lastAcknowledged, 179)
	})
	t.Run("T2 rate-limited", func(t *testing.T) { // B.2
		s := readyToJump(t, 1, 300, forever, 29)
		s.waiting = 50
		s.send()
		s.ack(29)
		s.nowUs += someRTT + 1
		s.event(inputAck)
		// PipeSize 29 is below the flight of 50, so the phase is Validating as in the example, not
		// normal as by the letter of 3.3 (29 + 29 = 58). The window is slow start's: 29 + 29.
		s.want(validating, rttExceeded, 58)
		s.wantPipe(29)
	})
	t.Run("T2 rate-limited below PipeSize", func(t *testing.T) { // 3.3
		s := readyToJump(t, 1, 300, forever, 29)
		s.waiting = 30
		s.send()
		s.ack(29 + 6)
		s.want(normal, rateLimited, 29+35) // flight 24 is less than the 35 delivered
		s.wantPipe(35)
		s.wantSsthresh(0)
	})
	t.Run("T3 loss before jump", func(t *testing.T) { // B.3
		s := newSender(t, 1, 300, forever)
		s.waiting = plenty
		s.send()
		s.ack(4)
		s.event(inputLoss)
		s.want(normal, packetLoss, 14)
		s.wantSsthresh(0) // the congestion control's own reaction stands
	})
	t.Run("T4 loss of the 35th unvalidated packet", func(t *testing.T) { // B.4
		s := readyToJump(t, 1, 300, forever, 29)
		s.send()
		s.ack(29)
		s.ack(34)
		s.want(validating, firstAcknowledged, 29+63)
		s.hole = 1
		s.event(inputLoss)
		s.want(safeRetreat, packetLoss, 31)
		s.wantPipe(63)
		s.wantSsthresh(31) // so that the end of the kernel's recovery keeps the window
		for range 86 {
			s.ack(1)
			s.want(safeRetreat, none, 31)
			s.wantSsthresh(0)
		}
		s.wantPipe(149)
		s.repair()
		// B.4 ends with PipeSize 120 and the running count of its own text with 149. Deliveries
		// here include the retransmission: 150, of which Beta 0.5 is 75.
		s.want(normal, exitRecovery, 31)
		s.wantPipe(150)
		s.wantSsthresh(75)
	})
	t.Run("T6 bytes", func(t *testing.T) { // 3.5
		s := readyToJump(t, 1000, 200_000, forever, 20_000)
		s.waiting = 4000
		s.send()
		s.want(unvalidated, windowLimited, 100_000)
		s.hole = 1000
		s.event(inputLoss)
		s.want(safeRetreat, packetLoss, 10_000)
		s.ack(23_000)
		s.want(safeRetreat, none, 10_000)
		s.repair()
		s.want(normal, exitRecovery, 10_000)
		s.wantSsthresh(12_000)
	})
	t.Run("T9 RTO in Unvalidated", func(t *testing.T) { // 3.6; that the set is gone is shown end to end
		s := readyToJump(t, 1, 300, forever, 29)
		s.send()
		s.ack(9)
		s.hole, s.cwnd = 20, 1 // the kernel has collapsed the window
		s.event(inputRTO)
		s.want(normal, rto, 1)
		s.wantSsthresh(14) // half of the 29 in flight before the jump
	})
	t.Run("T9 RTO and the stack left the jump standing", func(t *testing.T) { // 3.6
		s := readyToJump(t, 1, 300, forever, 29)
		s.send()
		s.ack(9)
		s.want(unvalidated, none, 150)
		s.hole = 20
		s.event(inputRTO)
		s.want(normal, rto, 29+9) // slow start's, which is more than PipeSize of 29
		s.wantSsthresh(14)
	})
	t.Run("T10 ECE in Validating", func(t *testing.T) { // 3.4
		s := readyToJump(t, 1, 300, forever, 29)
		s.send()
		s.ack(29 + 11)
		s.want(validating, firstAcknowledged, 110)
		s.event(inputECN)
		s.want(safeRetreat, ecnCE, 20)
		s.wantPipe(40)
	})
	t.Run("T11 app sends 3 kB only", func(t *testing.T) { // 3.2: entry is deferred
		s := newSender(t, 1460, 1<<20, forever)
		for range 100 {
			s.waiting = 3000
			s.send()
			s.want(reconnaissance, none, s.cwnd)
			s.ack(s.flight())
			s.want(reconnaissance, none, s.cwnd)
			s.nowUs += 10 * someRTT
		}
	})
}

func TestVectorT5Bounds(t *testing.T) { // 3.2, 3.3, 4.2.1
	const saved, mss = 1 << 20, 1000
	cases := []struct {
		name                    string
		savedCwnd, maxJump      uint32
		savedRTT, minRTT, cwnd  uint64
		want                    uint32
		trigger                 uint32
		jump                    uint64
		limit                   uint32
		receiverWindow, srttNow uint64
		clamp                   uint64
	}{
		{name: "RTT half of the saved one exactly", savedCwnd: saved, savedRTT: 50_000, minRTT: 25_000, want: normal, trigger: rttNotValidated},
		{name: "RTT a microsecond above half", savedCwnd: saved, savedRTT: 50_000, minRTT: 25_001, want: unvalidated, trigger: windowLimited, jump: saved / 2, limit: bySavedWindow},
		// Small, so that the rule of the standing queue leaves it alone: 2000 <= 200 + 25 + 2000.
		{name: "RTT ten times exactly", savedCwnd: saved, savedRTT: 200, minRTT: 2000, want: unvalidated, trigger: windowLimited, jump: saved / 2, limit: bySavedWindow},
		{name: "RTT above ten times", savedCwnd: saved, savedRTT: 200, minRTT: 2001, want: normal, trigger: rttNotValidated},
		{name: "RTT ten times exactly, and long", savedCwnd: 100 << 20, savedRTT: 50_000, minRTT: 500_000, want: unvalidated, trigger: windowLimited, jump: (100 << 20) / 200, limit: byStandingQueue},
		{name: "no saved RTT", savedCwnd: saved, minRTT: 50_000, want: normal, trigger: rttNotValidated},
		{name: "no RTT at all", savedCwnd: saved, savedRTT: 50_000, minRTT: 1<<32 - 1, want: normal, trigger: rttNotValidated},
		{name: "jump of three times the window", savedCwnd: 120_000, cwnd: 20_000, want: unvalidated, trigger: windowLimited, jump: 60_000, limit: bySavedWindow},
		{name: "jump just below three times the window", savedCwnd: 119_999, cwnd: 20_000, want: normal, trigger: noGain},
		{name: "max_jump", savedCwnd: 100_000, maxJump: 30_000, want: unvalidated, trigger: windowLimited, jump: 30_000, limit: byMaxJump},
		{name: "max_jump above half of the saved window", savedCwnd: 100_000, maxJump: 50_001, want: unvalidated, trigger: windowLimited, jump: 50_000, limit: bySavedWindow},
		{name: "half of the saved window is IW", savedCwnd: 20_000, want: normal, trigger: noGain},
		{name: "receiver window", savedCwnd: saved, receiverWindow: 65_535, want: unvalidated, trigger: windowLimited, jump: 65_535, limit: byReceiverWindow},
		{name: "receiver window of twice the window", savedCwnd: saved, cwnd: 20_000, receiverWindow: 40_000, want: unvalidated, trigger: windowLimited, jump: 40_000, limit: byReceiverWindow},
		{name: "receiver window just below that", savedCwnd: saved, cwnd: 20_000, receiverWindow: 39_999, want: normal, trigger: noGain},
		{name: "receiver window closed", savedCwnd: saved, receiverWindow: 1, want: normal, trigger: noGain},
		{name: "bound of the socket", savedCwnd: saved, clamp: 64_000, want: unvalidated, trigger: windowLimited, jump: 64_000, limit: byClamp},
		{name: "bound of the socket below the receiver's window", savedCwnd: saved, receiverWindow: 65_535, clamp: 65_000, want: unvalidated, trigger: windowLimited, jump: 65_000, limit: byClamp},
		{name: "bound of the socket that is the receiver's window", savedCwnd: saved, receiverWindow: 65_000, clamp: 65_000, want: unvalidated, trigger: windowLimited, jump: 65_000, limit: byReceiverWindow},
		{name: "bound of the socket that leaves too little", savedCwnd: saved, clamp: 29_000, want: normal, trigger: noGain},
		{name: "RTT at the edge of a standing queue", savedCwnd: saved, srttNow: 58_250, want: unvalidated, trigger: windowLimited, jump: saved / 2, limit: bySavedWindow},
		{name: "RTT just over the edge", savedCwnd: saved, srttNow: 58_251, want: unvalidated, trigger: windowLimited, jump: 386_280, limit: byStandingQueue},
		{name: "RTT doubled: a quarter", savedCwnd: saved, srttNow: 100_000, want: unvalidated, trigger: windowLimited, jump: saved / 8, limit: byStandingQueue},
		{name: "a standing queue shrinks max_jump", savedCwnd: 4 << 20, maxJump: 1 << 20, srttNow: 100_000, want: unvalidated, trigger: windowLimited, jump: 1 << 18, limit: byStandingQueue},
	}
	for _, c := range cases {
		t.Run("T5 "+c.name, func(t *testing.T) {
			s := readyToJump(t, mss, c.savedCwnd, c.maxJump, 10*mss)
			if c.cwnd > 0 {
				s.nxt, s.cwnd = s.una+c.cwnd, c.cwnd
			}
			if c.minRTT > 0 {
				s.Phase.SavedRttUs = uint32(c.savedRTT)
				s.minRTTUs, s.srttUs = c.minRTT, min(c.minRTT, 1<<29-1)
			}
			if c.srttNow > 0 {
				s.srttUs = c.srttNow
			}
			if c.receiverWindow > 0 {
				s.receiverWindow = c.receiverWindow
			}
			if c.clamp > 0 {
				s.clamp = c.clamp
			}
			before := s.cwnd
			s.event(inputSend)
			if c.want == normal {
				s.want(normal, c.trigger, before) // 3.2: the window is left alone
				s.wantSsthresh(0)
				return
			}
			s.want(unvalidated, c.trigger, c.jump)
			if got := s.Phase.Limit; got != c.limit {
				t.Errorf("bound by %d, want %d", got, c.limit)
			}
		})
	}
}
