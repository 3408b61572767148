// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"slices"
	"testing"
)

// outcome is what does not depend on where the counters stand.
type outcome struct {
	now, trigger, cwnd, ssthresh, pipe uint32
}

// life runs one connection through a jump, from counters that start where told.
func life(t testing.TB, sequence, delivered, clock uint64, lossy bool) []outcome {
	var seen []outcome
	s := newSender(t, 1000, 400_000, forever)
	s.una, s.nxt, s.delivered, s.nowUs = sequence, sequence, delivered, clock
	s.waiting = plenty
	s.observe = func(s *sender, _ check) {
		seen = append(seen, outcome{s.Phase.Now, s.Io.Trigger, s.Io.Cwnd, s.Io.Ssthresh, s.Phase.Pipe})
	}
	s.send()
	for s.Phase.Now == reconnaissance {
		s.ack(2000)
		s.send()
	}
	for s.Phase.Now == unvalidated {
		s.nowUs += 4000
		s.ack(1000)
		s.send()
	}
	if lossy {
		s.hole = 1000
		s.event(inputLoss)
		for s.Phase.Now == safeRetreat && s.flight() > 0 {
			s.nowUs += 1000
			s.ack(min(1000, s.flight()))
		}
		return seen
	}
	for s.Phase.Now == validating {
		s.ack(1000)
	}
	for range 100 {
		s.send()
		s.Io.RttUs = uint32(someRTT)
		s.ack(1000)
	}
	return seen
}

// Sequence numbers, deliveries and the clock wrap at 2^32, each at any moment of the phases.
func TestWrap(t *testing.T) {
	for _, lossy := range []bool{false, true} {
		want := life(t, 0, 0, 0, lossy)
		last := want[len(want)-1]
		if end := map[bool]uint32{false: filling, true: normal}[lossy]; last.now != end {
			t.Fatalf("the life ends in phase %d, want %d", last.now, end)
		}
		for before := uint64(0); before < 500_000; before += 12_500 {
			start := 1<<32 - before
			for name, got := range map[string][]outcome{
				"sequence":     life(t, start, 0, 0, lossy),
				"delivered":    life(t, 0, start, 0, lossy),
				"clock":        life(t, 0, 0, 1<<32-before, lossy),
				"all together": life(t, start, start-777, start/2*2, lossy),
			} {
				if i := differ(got, want); i >= 0 {
					t.Fatalf("%s wraps after %d: step %d is %+v, want %+v", name, before, i, got[i:min(i+1, len(got))], want[i:min(i+1, len(want))])
				}
			}
		}
	}
}

// differ is the first place where two courses part, -1 if they do not.
func differ(a, b []outcome) int {
	if slices.Equal(a, b) {
		return -1
	}
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// The receiver's window bounds a jump to 65535 << 14 bytes; below that nothing may wrap.
func TestHugeWindows(t *testing.T) {
	const largest = 65535 << 14
	t.Run("the largest life", func(t *testing.T) {
		const flight = 4800 * 65_000 // a jump is three times as large
		s := readyToJump(t, 65_000, 1<<32-1, forever, flight)
		s.receiverWindow, s.waiting = largest, 1<<32-1
		s.send()
		s.want(unvalidated, windowLimited, largest)
		s.ack(flight)
		s.want(unvalidated, none, largest)
		s.ack(65_000)
		s.want(validating, firstAcknowledged, largest-flight-65_000)
		s.ack(s.flight() - 65_000)
		s.want(validating, none, flight+largest-65_000)
		s.ack(65_000)
		s.want(filling, lastAcknowledged, flight+largest)
		s.wantPipe(largest)
		s.nxt = s.una + s.cwnd
		s.ack(flight)
		s.want(filling, none, 2*flight+largest)
	})
	t.Run("more waits and flies than 32 bits hold together", func(t *testing.T) {
		s := inReconnaissance(t)
		s.nxt, s.waiting, s.cwnd = s.una+1<<31, 1<<31, 1000
		s.event(inputSend)
		s.want(unvalidated, windowLimited, 200_000)
	})
	t.Run("three times the window is beyond 32 bits", func(t *testing.T) {
		const third = (1<<32 + 2) / 3 // of two more than 32 bits hold
		s := inReconnaissance(t)
		s.nxt, s.cwnd = s.una+third+1, third
		s.event(inputSend)
		s.want(normal, noGain, third)
	})
	t.Run("slow start would be beyond 32 bits", func(t *testing.T) {
		s := inOpenFilling(t)
		s.Phase.Cold = 1<<31 + 1
		s.ack(1000)
		if s.Phase.Cold != 1<<32-1 {
			t.Errorf("slow start would be at %d", s.Phase.Cold)
		}
	})
	t.Run("twice where slow start would be is beyond 32 bits", func(t *testing.T) {
		s := inOpenFilling(t)
		s.Phase.SavedCwnd, s.Phase.Cold, s.cwnd = 100_000, 1<<30, 1<<32-10_000
		s.nxt = s.una + 1<<31
		s.ack(4000)
		s.want(filling, none, 1<<32-8000) // half of it
	})
	t.Run("growth beyond 32 bits", func(t *testing.T) {
		s := inOpenFilling(t)
		s.cwnd = 1<<32 - 1000
		s.nxt = s.una + 1<<31
		s.ack(4000)
		s.want(filling, none, 1<<32-1)
	})
	t.Run("an ACK of half of the numbers", func(t *testing.T) {
		s := inOpenFilling(t)
		s.Phase.SavedCwnd, s.Io.Acked = 1<<32-1, 1<<31
		s.event(inputAck)
		s.want(filling, none, 120_000+1<<31/1000*1000)
	})
	t.Run("flight and a packet are beyond 32 bits", func(t *testing.T) {
		s := inUnvalidated(t)
		s.nxt = s.una + 1<<32 - 500
		s.event(inputAck)
		s.want(validating, lastSent, 1<<32-500)
	})
	t.Run("half of the largest saved window", func(t *testing.T) {
		s := readyToJump(t, 1000, 1<<32-1, forever, 20_000)
		s.receiverWindow = 1<<32 - 1
		s.event(inputSend)
		s.want(unvalidated, windowLimited, 1<<31-1)
	})
	t.Run("RTTs beyond 32 bits in percent", func(t *testing.T) {
		s := inReconnaissance(t)
		s.Phase.SavedRttUs, s.minRTTUs, s.srttUs = 3_000_000_000, 2_900_000_000, 2_900_000_000
		s.event(inputSend)
		s.want(unvalidated, windowLimited, 200_000)
	})
}
