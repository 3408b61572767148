// SPDX-License-Identifier: Apache-2.0

package phase

import "testing"

// Each sender below stands in one phase, at a point where nothing is due yet.

func inReconnaissance(t testing.TB) *sender {
	return readyToJump(t, 1000, 400_000, forever, 20_000)
}

// inUnvalidated has 20 000 bytes of before and 80 000 unvalidated ones in flight, of a jump of 200 000.
func inUnvalidated(t testing.TB) *sender {
	s := inReconnaissance(t)
	s.waiting = 80_000
	s.send()
	s.want(unvalidated, windowLimited, 200_000)
	s.waiting = plenty
	return s
}

// fromIdle had nothing in flight at the jump, as after a TLS handshake, and sent 11 000 bytes.
func fromIdle(t testing.TB) *sender {
	s := readyToJump(t, 1000, 400_000, forever, 0)
	s.waiting = 11_000
	s.send()
	s.want(unvalidated, windowLimited, 200_000)
	s.wantPipe(0)
	return s
}

// inValidating holds 79 000, the flight at the ACK of the first unvalidated packet; PipeSize is 21 000.
func inValidating(t testing.TB) *sender {
	s := inUnvalidated(t)
	s.ack(21_000)
	s.want(validating, firstAcknowledged, 79_000)
	return s
}

// inRetreat has lost a packet while validating; PipeSize was 21 000.
func inRetreat(t testing.TB) *sender {
	s := inValidating(t)
	s.hole = 1000
	s.event(inputLoss)
	s.want(safeRetreat, packetLoss, 10_500)
	return s
}

// inFilling has everything acknowledged that was unvalidated: slow start would stand at 120 000.
func inFilling(t testing.TB) *sender {
	s := inValidating(t)
	s.ack(79_000)
	s.want(filling, lastAcknowledged, 120_000)
	s.send()
	s.want(filling, none, 120_000)
	return s
}

// inOpenFilling has seen that the jump left no queue behind.
func inOpenFilling(t testing.TB) *sender {
	s := inFilling(t)
	for range 8 {
		s.Io.RttUs = uint32(someRTT)
		s.event(inputAck)
	}
	s.want(filling, none, 120_000)
	return s
}

func inNormal(t testing.TB) *sender {
	s := inReconnaissance(t)
	s.event(inputLoss)
	return s
}

func inExact(t testing.TB) *sender {
	s := inReconnaissance(t)
	s.Phase.Now = exact
	return s
}

func fewerRTT(s *sender) { s.minRTTUs = someRTT / 2 }

func TestTransitions(t *testing.T) {
	const same = ^uint64(0) // the window as it was
	cases := []struct {
		name     string
		from     func(testing.TB) *sender
		do       func(*sender)
		now      uint32
		trigger  uint32
		cwnd     uint64
		ssthresh uint32
	}{
		{"reconnaissance jumps", inReconnaissance, (*sender).send, unvalidated, windowLimited, 200_000, 0},
		{"reconnaissance waits for an ACK", inReconnaissance, func(s *sender) { s.Phase.InitialSeen = 0; s.send() }, reconnaissance, none, same, 0},
		{"reconnaissance waits for all initial data", inReconnaissance, func(s *sender) { s.Phase.InitialEnd = uint32(s.una) + 1; s.send() }, reconnaissance, none, same, 0},
		{"reconnaissance has all initial data, exactly", inReconnaissance, func(s *sender) { s.Phase.InitialEnd = uint32(s.una); s.send() }, unvalidated, windowLimited, 200_000, 0},
		{"reconnaissance is deferred while the window suffices", inReconnaissance, func(s *sender) { s.waiting, s.cwnd = 5000, 25_000; s.event(inputSend) }, reconnaissance, none, 25_000, 0},
		{"reconnaissance jumps for one byte more", inReconnaissance, func(s *sender) { s.waiting, s.cwnd = 5001, 25_000; s.event(inputSend) }, unvalidated, windowLimited, 200_000, 0},
		{"reconnaissance does not jump on an ACK", inReconnaissance, func(s *sender) { s.event(inputAck) }, reconnaissance, none, same, 0},
		{"reconnaissance: RTT", inReconnaissance, func(s *sender) { fewerRTT(s); s.send() }, normal, rttNotValidated, same, 0},
		{"reconnaissance: a third of the jump", inReconnaissance, func(s *sender) { s.cwnd = 66_666; s.event(inputSend) }, unvalidated, windowLimited, 200_000, 0},
		{"reconnaissance: no gain", inReconnaissance, func(s *sender) { s.cwnd = 66_667; s.event(inputSend) }, normal, noGain, 66_667, 0},
		{"reconnaissance: loss", inReconnaissance, func(s *sender) { s.event(inputLoss) }, normal, packetLoss, same, 0},
		{"reconnaissance: ECN", inReconnaissance, func(s *sender) { s.event(inputECN) }, normal, ecnCE, same, 0},
		{"reconnaissance: RTO", inReconnaissance, func(s *sender) { s.event(inputRTO) }, normal, rto, same, 0},
		{"reconnaissance: MTU", inReconnaissance, func(s *sender) { s.event(inputMTU) }, normal, pathChanged, same, 0},
		{"reconnaissance: this host's queue", inReconnaissance, func(s *sender) { s.event(inputLocal) }, normal, localCongestion, same, 0},
		{"reconnaissance: left", inReconnaissance, func(s *sender) { s.leave(replaced) }, normal, replaced, same, 0},

		{"unvalidated holds the jump", inUnvalidated, func(s *sender) { s.cwnd = 7000; s.ack(1000) }, unvalidated, none, 200_000, 0},
		{"unvalidated: the ACK up to the first is not its ACK", inUnvalidated, func(s *sender) { s.ack(20_000) }, unvalidated, none, 200_000, 0},
		{"unvalidated: a byte of the first", inUnvalidated, func(s *sender) { s.ack(20_001) }, validating, firstAcknowledged, 79_999, 0},
		{"unvalidated: window full but for one packet", inUnvalidated, func(s *sender) { s.nxt += 99_000; s.event(inputAck) }, unvalidated, none, 200_000, 0},
		{"unvalidated: window full but for less than a packet", inUnvalidated, func(s *sender) { s.nxt += 99_001; s.event(inputAck) }, validating, lastSent, 199_001, 0},
		{"unvalidated: a round trip", inUnvalidated, func(s *sender) { s.nowUs += someRTT; s.event(inputAck) }, unvalidated, none, 200_000, 0},
		{"unvalidated: more than a round trip", inUnvalidated, func(s *sender) { s.nowUs += someRTT + 1; s.event(inputAck) }, validating, rttExceeded, 100_000, 0},
		{"unvalidated: the round trip is the smoothed one", inUnvalidated, func(s *sender) { s.srttUs *= 2; s.nowUs += 2 * someRTT; s.event(inputAck) }, unvalidated, none, 200_000, 0},
		{"unvalidated: flight is PipeSize", inUnvalidated, func(s *sender) { s.ack(50_000) }, normal, rateLimited, 70_000, 0},
		{"unvalidated: flight is a byte more than PipeSize", inUnvalidated, func(s *sender) { s.ack(49_999) }, validating, firstAcknowledged, 69_999, 0},
		{"unvalidated: flight below IW", fromIdle, func(s *sender) { s.ack(1001) }, normal, rateLimited, 11_001, 0},
		{"unvalidated: flight of IW", fromIdle, func(s *sender) { s.ack(1000) }, validating, firstAcknowledged, 11_000, 0},
		{"unvalidated: path", inUnvalidated, func(s *sender) { fewerRTT(s); s.event(inputAck) }, safeRetreat, pathChanged, 10_000, 10_000},
		{"unvalidated: loss", inUnvalidated, func(s *sender) { s.event(inputLoss) }, safeRetreat, packetLoss, 10_000, 10_000},
		{"unvalidated: ECN", inUnvalidated, func(s *sender) { s.event(inputECN) }, safeRetreat, ecnCE, 10_000, 10_000},
		{"unvalidated: loss with nothing proven", fromIdle, func(s *sender) { s.event(inputLoss) }, safeRetreat, packetLoss, 2000, 2000},
		{"unvalidated: MTU", inUnvalidated, func(s *sender) { s.event(inputMTU) }, safeRetreat, pathChanged, 10_000, 10_000},
		{"unvalidated: MTU, and the stack has reduced already", inUnvalidated, func(s *sender) { s.cwnd = 3000; s.event(inputMTU) }, safeRetreat, pathChanged, 3000, 3000},
		{"unvalidated: this host's queue", inUnvalidated, func(s *sender) { s.event(inputLocal) }, safeRetreat, localCongestion, 10_000, 10_000},
		{"unvalidated: RTO and the stack left the jump", inUnvalidated, func(s *sender) { s.event(inputRTO) }, normal, rto, 20_000, 10_000},
		{"unvalidated: RTO leaves slow start's window", inUnvalidated, func(s *sender) { s.ack(9000); s.event(inputRTO) }, normal, rto, 29_000, 10_000},
		{"unvalidated: RTO and the stack has collapsed the window", inUnvalidated, func(s *sender) { s.cwnd = 1000; s.event(inputRTO) }, normal, rto, 1000, 10_000},
		{"unvalidated: RTO with nothing proven", fromIdle, func(s *sender) { s.event(inputRTO) }, normal, rto, 10_000, 2000},
		{"unvalidated: RTO leaves PipeSize where more flew than the window held", inReconnaissance, func(s *sender) { s.cwnd = 15_000; s.send(); s.event(inputRTO) }, normal, rto, 20_000, 10_000},
		{"unvalidated: replaced", inUnvalidated, func(s *sender) { s.leave(replaced) }, normal, replaced, 20_000, 0},
		{"unvalidated: drained", inUnvalidated, func(s *sender) { s.ack(9000); s.leave(draining) }, normal, draining, 29_000, 0},
		{"unvalidated: replaced by a smaller window", inUnvalidated, func(s *sender) { s.cwnd = 7000; s.leave(replaced) }, normal, replaced, 7000, 0},
		{"unvalidated: left with nothing proven", fromIdle, func(s *sender) { s.leave(replaced) }, normal, replaced, 10_000, 0},
		{"unvalidated does not change by sending", inUnvalidated, func(s *sender) { s.nowUs += 2 * someRTT; s.event(inputSend) }, unvalidated, none, 200_000, 0},

		{"validating holds", inValidating, func(s *sender) { s.ack(30_000) }, validating, none, 79_000, 0},
		{"validating is not below slow start", inValidating, func(s *sender) { s.ack(60_000) }, validating, none, 101_000, 0},
		{"validating: all but a byte", inValidating, func(s *sender) { s.ack(78_999) }, validating, none, 119_999, 0},
		{"validating: last", inValidating, func(s *sender) { s.ack(79_000) }, filling, lastAcknowledged, 120_000, 0},
		{"validating: path is no matter", inValidating, func(s *sender) { fewerRTT(s); s.event(inputAck) }, validating, none, 79_000, 0},
		{"validating: loss", inValidating, func(s *sender) { s.event(inputLoss) }, safeRetreat, packetLoss, 10_500, 10_500},
		{"validating: ECN", inValidating, func(s *sender) { s.event(inputECN) }, safeRetreat, ecnCE, 10_500, 10_500},
		{"validating: MTU", inValidating, func(s *sender) { s.event(inputMTU) }, safeRetreat, pathChanged, 10_500, 10_500},
		{"validating: this host's queue", inValidating, func(s *sender) { s.event(inputLocal) }, safeRetreat, localCongestion, 10_500, 10_500},
		{"validating: RTO", inValidating, func(s *sender) { s.event(inputRTO) }, normal, rto, 41_000, 10_500},
		{"validating: RTO and the stack has collapsed the window", inValidating, func(s *sender) { s.cwnd = 1000; s.event(inputRTO) }, normal, rto, 1000, 10_500},
		{"validating: replaced", inValidating, func(s *sender) { s.leave(replaced) }, normal, replaced, 41_000, 0},
		{"validating: drained", inValidating, func(s *sender) { s.ack(30_000); s.leave(draining) }, normal, draining, 71_000, 0},
		{"validating: does not change by sending", inValidating, func(s *sender) { s.event(inputSend) }, validating, none, 79_000, 0},

		{"retreat: no growth", inRetreat, func(s *sender) { s.ack(30_000) }, safeRetreat, none, 10_500, 0},
		{"retreat: another loss", inRetreat, func(s *sender) { s.ack(1000); s.event(inputLoss) }, safeRetreat, none, 10_500, 0},
		{"retreat: ECN", inRetreat, func(s *sender) { s.event(inputECN) }, safeRetreat, none, 10_500, 0},
		{"retreat: the RTT matters no more", inRetreat, func(s *sender) { fewerRTT(s); s.event(inputAck) }, safeRetreat, none, 10_500, 0},
		{"retreat: SACK of the last is not its ACK", inRetreat, func(s *sender) { s.ack(78_000) }, safeRetreat, none, 10_500, 0},
		{"retreat: last", inRetreat, func(s *sender) { s.ack(78_000); s.repair() }, normal, exitRecovery, 10_500, 50_000},
		{"retreat: what was sent later proves nothing", inRetreat, func(s *sender) { s.nxt += 50_000; s.ack(128_000); s.repair() }, normal, exitRecovery, 10_500, 50_000},
		{"retreat: sent just before", inRetreat, func(s *sender) { s.nowUs += someRTT - 1; s.ack(9000) }, safeRetreat, none, 10_500, 0},
		{"retreat: sent with the ACK that began it", inRetreat, func(s *sender) { s.nowUs += someRTT; s.ack(9000) }, normal, exitRecovery, 10_500, 15_000},
		{"retreat: MTU", inRetreat, func(s *sender) { s.event(inputMTU) }, safeRetreat, none, 10_500, 0},
		{"retreat: this host's queue", inRetreat, func(s *sender) { s.event(inputLocal) }, safeRetreat, none, 10_500, 0},
		{"retreat: RTO", inRetreat, func(s *sender) { s.ack(9000); s.event(inputRTO) }, normal, rto, 10_500, 15_000},
		{"retreat: RTO and the stack has grown", inRetreat, func(s *sender) { s.ack(9000); s.cwnd = 90_000; s.event(inputRTO) }, normal, rto, 50_000, 15_000},
		{"retreat: replaced", inRetreat, func(s *sender) { s.leave(replaced) }, normal, replaced, 10_500, 0},
		{"retreat: drained and the stack has grown", inRetreat, func(s *sender) { s.cwnd = 90_000; s.leave(draining) }, normal, draining, 41_000, 0},

		{"filling: path is no matter", inFilling, func(s *sender) { fewerRTT(s); s.event(inputAck) }, filling, none, 120_000, 0},
		{"filling: loss", inFilling, func(s *sender) { s.event(inputLoss) }, normal, packetLoss, 120_000, 0},
		{"filling: ECN", inFilling, func(s *sender) { s.event(inputECN) }, normal, ecnCE, 120_000, 0},
		{"filling: RTO", inFilling, func(s *sender) { s.event(inputRTO) }, normal, rto, 120_000, 0},
		{"filling: MTU", inFilling, func(s *sender) { s.event(inputMTU) }, normal, pathChanged, 120_000, 0},
		{"filling: this host's queue", inFilling, func(s *sender) { s.event(inputLocal) }, normal, localCongestion, 120_000, 0},
		{"filling: replaced", inFilling, func(s *sender) { s.leave(replaced) }, normal, replaced, 120_000, 0},
		{"filling does not change by sending", inOpenFilling, func(s *sender) { s.event(inputSend) }, filling, none, 120_000, 0},

		{"normal does not jump", inNormal, (*sender).send, normal, none, 20_000, 0},
		{"exact does not jump", inExact, (*sender).send, exact, none, 20_000, 0},
		{"exact: replaced", inExact, func(s *sender) { s.leave(replaced) }, normal, replaced, 20_000, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := c.from(t)
			want := c.cwnd
			if want == same {
				want = s.cwnd
			}
			c.do(s)
			s.want(c.now, c.trigger, want)
			s.wantSsthresh(c.ssthresh)
		})
	}
}

// What is over stays over, and mode exact has no phases.
func TestNothingMovesNormalAndExact(t *testing.T) {
	for now, from := range map[uint32]func(testing.TB) *sender{normal: inNormal, exact: inExact} {
		for input := inputSend; input <= inputLocal; input++ {
			s := from(t)
			s.event(input)
			s.want(now, none, 20_000)
			s.wantSsthresh(0)
		}
	}
}

// 3.2: initial data is all that had been sent when its first ACK came.
func TestInitialDataIsWhatTheFirstACKFindsSent(t *testing.T) {
	s := newSender(t, 1000, 400_000, forever)
	s.waiting = plenty
	s.send()
	s.ack(2000)
	s.want(reconnaissance, none, 12_000)
	if s.Phase.InitialSeen != 1 || s.Phase.InitialEnd != 10_000 {
		t.Fatalf("initial data ends at %d (seen: %d), want 10000", s.Phase.InitialEnd, s.Phase.InitialSeen)
	}
	for s.una < 10_000 {
		s.send()
		s.want(reconnaissance, none, s.cwnd)
		s.ack(1000)
	}
	if s.Phase.InitialEnd != 10_000 {
		t.Fatalf("initial data grew to %d", s.Phase.InitialEnd)
	}
	s.send()
	s.want(unvalidated, windowLimited, 200_000)
}
