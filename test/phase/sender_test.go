// SPDX-License-Identifier: Apache-2.0

package phase

import "testing"

// sender is a TCP sender as far as the step function can see one. Its own
// counters have 64 bits and never wrap; the kernel sees the lower 32.
type sender struct {
	check
	t testing.TB

	una, nxt  uint64 // sequence numbers
	waiting   uint64 // written by the application, not sent
	hole      uint64 // lost, from una on, not yet repaired
	sacked    uint64 // delivered above the hole
	delivered uint64
	cwnd      uint64
	nowUs     uint64

	mss, initialWindow uint64
	receiverWindow     uint64
	clamp              uint64
	srttUs, minRTTUs   uint64

	left    bool                          // the last step came from outside
	observe func(s *sender, before check) // after each step, for invariants
}

const (
	plenty  = uint64(1) << 20
	someRTT = uint64(50_000)
)

// newSender is in Reconnaissance and has sent nothing; RTTs equal the saved one.
func newSender(t testing.TB, mss uint64, savedCwnd, maxJump uint32) *sender {
	t.Helper()
	s := &sender{
		t: t, mss: mss, initialWindow: 10 * mss, cwnd: 10 * mss,
		receiverWindow: 1 << 30, clamp: 1<<32 - 1, srttUs: someRTT, minRTTUs: someRTT,
	}
	s.Phase.Now = reconnaissance
	s.Phase.SavedCwnd = savedCwnd
	s.Phase.SavedRttUs = uint32(someRTT)
	s.Phase.MaxJump = maxJump
	s.Phase.RttLowPercent = 50
	s.Phase.RttHighPercent = 1000
	return s
}

// readyToJump has seen its initial data acknowledged, fills its window with
// flight and has plenty to send.
func readyToJump(t testing.TB, mss uint64, savedCwnd, maxJump uint32, flight uint64) *sender {
	t.Helper()
	s := newSender(t, mss, savedCwnd, maxJump)
	s.una, s.nxt = 2*s.initialWindow, 2*s.initialWindow+flight
	s.delivered, s.cwnd, s.waiting = s.una, max(flight, s.cwnd), plenty*mss
	s.Phase.InitialSeen, s.Phase.InitialEnd = 1, uint32(s.initialWindow)
	return s
}

func (s *sender) flight() uint64 { return s.nxt - s.una - s.hole - s.sacked }

// newestUs is when the newest of what is acknowledged left: a round trip ago.
func (s *sender) newestUs() int64 { return int64(s.nowUs) - int64(s.srttUs) }

func (s *sender) see(input inputNumber) {
	s.Io.Input = input
	s.Io.Mss = uint32(s.mss)
	s.Io.InitialWindow = uint32(s.initialWindow)
	s.Io.SndUna = uint32(s.una)
	s.Io.SndNxt = uint32(s.nxt)
	s.Io.Waiting = uint32(s.waiting)
	s.Io.Flight = uint32(s.flight())
	s.Io.Cwnd = uint32(s.cwnd)
	s.Io.ReceiverWindow = uint32(s.receiverWindow)
	s.Io.Clamp = uint32(s.clamp)
	s.Io.Delivered = uint32(s.delivered)
	s.Io.SrttUs = uint32(s.srttUs)
	s.Io.MinRttUs = uint32(s.minRTTUs)
	s.Io.NowUs = uint32(s.nowUs)
	s.Io.NewestAckedUs = uint32(s.newestUs())
}

// event runs one step and lets the sender do as it is told.
func (s *sender) event(input inputNumber) {
	s.t.Helper()
	s.see(input)
	s.do(step)
}

// leave ends the phase from outside, for a reason such as another congestion control.
func (s *sender) leave(reason uint32) {
	s.t.Helper()
	s.see(inputAck)
	s.Io.Ssthresh, s.Io.Trigger = 0, reason
	s.left = true
	s.do(leave)
	s.left = false
}

func (s *sender) do(what func(testing.TB, *check)) {
	s.t.Helper()
	before := s.check
	what(s.t, &s.check)
	s.cwnd = uint64(s.Io.Cwnd)
	if s.observe != nil {
		s.observe(s, before)
	}
	s.Io.Acked, s.Io.RttUs = 0, 0
}

// send asks before it sends, as min_tso_segs does, then sends what the window lets through.
func (s *sender) send() {
	s.t.Helper()
	s.event(inputSend)
	if s.cwnd > s.flight() {
		sent := min(s.waiting, s.cwnd-s.flight())
		s.nxt += sent
		s.waiting -= sent
	}
}

// samples are ACKs of n bytes each, with a round-trip time that was measured.
func (s *sender) samples(count int, rttUs uint32, n uint64) {
	s.t.Helper()
	for range count {
		s.Io.RttUs = rttUs
		s.ack(n)
	}
}

// ack acknowledges n bytes, cumulatively or, above a hole, selectively.
func (s *sender) ack(n uint64) {
	s.t.Helper()
	if s.hole > 0 {
		s.sacked += n
	} else {
		s.una += n
	}
	s.delivered += n
	s.acked(n)
}

// repair acknowledges the retransmission, and with it all that was selectively acknowledged.
func (s *sender) repair() {
	s.t.Helper()
	n := s.hole
	s.delivered += n
	s.una += n + s.sacked
	s.hole, s.sacked = 0, 0
	s.acked(n)
}

func (s *sender) acked(n uint64) {
	s.t.Helper()
	if s.Phase.Now == reconnaissance {
		s.cwnd += n // the congestion control's own slow start runs first
	}
	s.Io.Acked = uint32(n)
	s.event(inputAck)
}

// want checks what the last step decided.
func (s *sender) want(now, trigger uint32, cwnd uint64) {
	s.t.Helper()
	if s.Phase.Now != now || s.Io.Trigger != trigger || s.cwnd != cwnd {
		s.t.Fatalf("phase %d by trigger %d with cwnd %d, want phase %d by trigger %d with cwnd %d",
			s.Phase.Now, s.Io.Trigger, s.cwnd, now, trigger, cwnd)
	}
}

func (s *sender) wantSsthresh(ssthresh uint32) {
	s.t.Helper()
	if s.Io.Ssthresh != ssthresh {
		s.t.Fatalf("ssthresh %d, want %d", s.Io.Ssthresh, ssthresh)
	}
}

func (s *sender) wantPipe(pipe uint32) {
	s.t.Helper()
	if s.Phase.Pipe != pipe {
		s.t.Fatalf("PipeSize %d, want %d", s.Phase.Pipe, pipe)
	}
}
