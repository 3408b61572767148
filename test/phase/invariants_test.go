// SPDX-License-Identifier: Apache-2.0

package phase

// invariants holds at every step, whatever happened; before is what the step was given.
func (w *walk) invariants(before check) {
	w.t.Helper()
	was, is := before.Phase.Now, w.Phase.Now
	fail := func(rule string) {
		w.t.Helper()
		w.t.Fatalf("%s\nbefore %+v\nafter %+v", rule, before, w.check)
	}
	slowStart := slowStartOf(w.check)
	proven := max(uint64(w.Phase.Pipe), slowStart)

	switch {
	case was == normal && (is != normal || w.Io.Trigger != none || w.Io.Cwnd != before.Io.Cwnd || w.Io.Ssthresh != 0):
		fail("NORMAL is final")
	case is != was && w.Io.Trigger == none, is == was && w.Io.Trigger != none:
		fail("a trigger names each change of phase, and nothing else")
	case was == unvalidated && is == reconnaissance, was != reconnaissance && is == reconnaissance, is == unvalidated && was != unvalidated && was != reconnaissance:
		fail("phases only go forward")
	}

	if was == reconnaissance && is == unvalidated { // 3.2, 3.3
		switch {
		case before.Io.Input != inputSend || before.Phase.InitialSeen == 0 || int32(before.Io.SndUna-before.Phase.InitialEnd) < 0:
			fail("no jump without all initial data acknowledged")
		case w.Io.Cwnd > before.Phase.SavedCwnd/2, before.Phase.MaxJump != 0 && w.Io.Cwnd > before.Phase.MaxJump, w.Io.Cwnd > before.Io.ReceiverWindow:
			fail("the jump is bounded by half of the saved window, max_jump and the receiver")
		case w.Io.Cwnd > before.Io.Clamp:
			fail("no window above the socket's own bound")
		case uint64(w.Io.Cwnd) < 3*uint64(before.Io.Cwnd) && (w.Io.Cwnd != before.Io.ReceiverWindow || w.Io.Cwnd < 2*before.Io.Cwnd):
			fail("a jump that saves no round trip is none")
		}
	}
	if was == reconnaissance && is == normal && w.Io.Cwnd != before.Io.Cwnd {
		fail("3.2: a path that is not confirmed leaves the window alone")
	}
	if is == unvalidated || is == validating { // 3.3, 3.4
		allowed := w.Phase.SavedCwnd / 2
		if w.Phase.MaxJump != 0 {
			allowed = min(allowed, w.Phase.MaxJump)
		}
		if w.Phase.Jump > allowed || (was != validating && w.cwnd > max(uint64(w.Phase.Jump), slowStart)) {
			fail("no window above the jump before it is validated, but what slow start would have reached")
		}
	}
	if was == validating && w.Io.Cwnd > before.Io.Cwnd { // 3.4
		bound := max(slowStart, uint64(w.Phase.Cold))
		if w.Phase.Open != 0 {
			bound = max(bound, uint64(w.Phase.SavedCwnd))
		}
		if w.cwnd > bound || w.cwnd > max(slowStart, uint64(before.Io.Cwnd)+uint64(before.Io.Acked)) {
			fail("the window grows as in slow start, to the saved one at most and only where no queue was seen")
		}
	}
	if (was == unvalidated || was == validating) && (is == safeRetreat || is == normal) && w.cwnd > proven {
		fail("every way out but validation leaves what is proven")
	}
	w.grownInFilling(was, before, fail)
	if was == safeRetreat && w.Io.Cwnd > before.Io.Cwnd { // 3.5
		fail("no growth in Safe Retreat")
	}
	if is == safeRetreat && was != safeRetreat && w.Io.Cwnd > max(w.Phase.Pipe/2, 2*before.Io.Mss) {
		fail("3.5: at most half of PipeSize at the retreat")
	}
	threshold := max(w.Phase.Pipe/2, 2*before.Io.Mss)
	if was == filling {
		threshold = before.Io.Cwnd
	}
	if w.Io.Ssthresh > threshold { // 3.5
		fail("no ssthresh above what was proven")
	}
	if ends := before.Io.Input == inputAck && int32(before.Io.SndUna-before.Phase.LastUnvalidated) >= 0; ends && w.Io.Trigger != pathChanged &&
		((was == validating && is != filling) || (was == safeRetreat && is != normal)) {
		fail("an ACK of the last unvalidated byte ends the phases")
	}
	if w.Phase.Pipe < w.Phase.FlightBefore || w.Phase.Pipe < before.Phase.Pipe {
		fail("PipeSize never shrinks")
	}
}

// slowStartOf is where the window would be without the jump: all that was delivered since, on top of before.
func slowStartOf(c check) uint64 {
	grown := uint64(c.Phase.CwndBefore) + uint64(c.Io.Delivered-c.Phase.DeliveredBefore)
	return max(uint64(c.Io.InitialWindow), min(grown, 1<<32-1))
}

// grownInFilling compares all growth since Filling began with what was acknowledged
// since, as a window that grows by less at first may grow by more later.
func (w *walk) grownInFilling(was uint32, before check, fail func(string)) {
	w.t.Helper()
	if was != filling {
		w.filledFrom, w.filled = w.cwnd, 0
		return
	}
	w.filled += uint64(before.Io.Acked)
	if w.cwnd > w.filledFrom+w.filled {
		fail("Filling never grows faster than slow start")
	}
}

// ends lets what is left of a life go well, and then badly: no phase that the
// jump brought about may outlast the data that was sent in it.
func (w *walk) ends() {
	w.t.Helper()
	if w.hole > 0 {
		w.nowUs += w.srttUs
		w.repair()
	}
	w.ack(w.flight())
	for range 2 { // what waits for a round trip to pass, and the ACK after that
		w.nowUs += max(w.srttUs, w.minRTTUs) + 1
		w.event(inputAck)
	}
	switch w.Phase.Now {
	case reconnaissance, filling, normal:
	default:
		w.t.Fatalf("phase %d goes on although everything is acknowledged: %+v", w.Phase.Now, w.check)
	}
	const looks = 7 + 8                              // the look that has begun, and one that sees nothing else
	w.samples(looks, w.Phase.BaseRttUs+1_000_000, 0) // a standing queue, as RFC 9406 sees one
	if w.Phase.Now == filling {
		w.t.Fatalf("growth goes on although the delay has risen: %+v", w.check)
	}
	w.event(inputRTO)
	if w.Phase.Now != normal {
		w.t.Fatalf("phase %d goes on after a timeout: %+v", w.Phase.Now, w.check)
	}
}
