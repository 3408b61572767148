// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"testing"
)

// script reads the dice from a fuzzer's bytes: two for each throw, so that a
// byte that is changed changes one decision and no other.
type script struct{ rest []byte }

func (s *script) IntN(n int) int { return int(s.Uint64N(uint64(n))) }

func (s *script) Uint64N(n uint64) uint64 {
	const size = 2
	if len(s.rest) < size {
		s.rest = nil
		return 0
	}
	thrown := binary.LittleEndian.Uint16(s.rest)
	s.rest = s.rest[size:]
	if n <= 1<<16 {
		return uint64(thrown) % n
	}
	return n / (1 << 16) * uint64(thrown)
}

const longestLife = 4096 // bytes of a script

// FuzzLives lets the fuzzer write lives of a connection. In each the kernel and
// the model agree on every step and the invariants hold: never faster than
// half of the saved window and max_jump before validation, never growth in
// retreat, always an end.
func FuzzLives(f *testing.F) {
	random := rand.New(rand.NewPCG(9959, 4))
	for range 64 {
		life := make([]byte, 64+random.IntN(longestLife-64))
		for i := range life {
			life[i] = byte(random.Uint32())
		}
		f.Add(life)
	}
	f.Fuzz(func(t *testing.T, life []byte) {
		if len(life) > longestLife {
			return // nothing new
		}
		thrown := &script{life}
		w := newWalk(t, thrown)
		w.observe = func(_ *sender, before check) {
			w.compare(before)
			w.invariants(before)
		}
		for len(thrown.rest) > 0 {
			w.move()
		}
		w.ends()
	})
}

// FuzzStates gives the kernel states that no sender gets into, as a damaged
// map or a bug elsewhere would: what bounds a window must hold in each.
func FuzzStates(f *testing.F) {
	for _, from := range []func(testing.TB) *sender{inReconnaissance, inUnvalidated, fromIdle, inValidating, inRetreat, inFilling, inOpenFilling, inNormal, inExact} {
		for input := inputSend; input <= inputLocal; input++ {
			s := from(f)
			s.see(input)
			var raw bytes.Buffer
			if err := binary.Write(&raw, binary.NativeEndian, &s.check); err != nil {
				f.Fatal(err)
			}
			f.Add(raw.Bytes())
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var before check
		if len(raw) != binary.Size(before) {
			return
		}
		if err := binary.Read(bytes.NewReader(raw), binary.NativeEndian, &before); err != nil {
			t.Fatal(err)
		}
		before.Phase.Now %= filling + 1
		before.Io.Input %= inputLocal + 1
		after := before
		step(t, &after)
		bounded(t, before, after)
		if before.Phase.Now == normal {
			return // nothing to leave
		}
		before.Io.Trigger = replaced
		after = before
		leave(t, &after)
		leftBehind(t, before, after)
	})
}

func bounded(t *testing.T, before, after check) {
	t.Helper()
	was, is := before.Phase.Now, after.Phase.Now
	fail := func(rule string) {
		t.Helper()
		t.Fatalf("%s\nbefore %+v\nafter %+v", rule, before, after)
	}
	two := 2 * before.Io.Mss // wraps as the kernel's
	switch {
	case is > filling:
		fail("no phase beyond the last")
	case (is != was) != (after.Io.Trigger != none):
		fail("a trigger names each change of phase, and nothing else")
	case (was == normal || was == exact) && (is != was || after.Phase != before.Phase || after.Io.Cwnd != before.Io.Cwnd || after.Io.Ssthresh != 0):
		fail("NORMAL and EXACT change nothing")
	case was != reconnaissance && is == reconnaissance, is == unvalidated && was != is && was != reconnaissance:
		fail("phases only go forward")
	case was == safeRetreat && after.Io.Cwnd > before.Io.Cwnd:
		fail("no growth in Safe Retreat")
	case is == safeRetreat && was != is && after.Io.Cwnd > max(before.Io.Cwnd, two):
		fail("no growth by a retreat")
	case (was == unvalidated || was == validating) && (is == safeRetreat || is == normal) &&
		uint64(after.Io.Cwnd) > max(uint64(after.Phase.Pipe), slowStartOf(after), uint64(two)):
		fail("every way out but validation leaves what is proven")
	case was == validating && uint64(after.Io.Cwnd) > max(uint64(before.Io.Cwnd), slowStartOf(after), uint64(after.Phase.Cold), uint64(before.Phase.SavedCwnd)):
		fail("no growth above the saved window before it is validated")
	case was == filling && uint64(after.Io.Cwnd) > uint64(before.Io.Cwnd)+uint64(before.Phase.Credit)+uint64(before.Io.Acked):
		fail("Filling never grows faster than slow start")
	}
	if was == reconnaissance && is == unvalidated {
		allowed := before.Phase.SavedCwnd / 2
		if before.Phase.MaxJump != 0 {
			allowed = min(allowed, before.Phase.MaxJump)
		}
		if after.Io.Cwnd > min(allowed, before.Io.ReceiverWindow, before.Io.Clamp) {
			fail("the jump is bounded by half of the saved window, max_jump, the receiver and the socket")
		}
	}
	if was == reconnaissance && is != unvalidated && after.Io.Cwnd != before.Io.Cwnd {
		fail("Reconnaissance leaves the window alone")
	}
}

func leftBehind(t *testing.T, before, after check) {
	t.Helper()
	allowed := uint64(before.Io.Cwnd)
	switch before.Phase.Now {
	case unvalidated, validating, safeRetreat:
		allowed = min(allowed, max(uint64(after.Phase.Pipe), slowStartOf(after)))
	}
	if after.Phase.Now != normal || after.Io.Trigger != replaced || uint64(after.Io.Cwnd) != allowed {
		t.Fatalf("leaving leaves what is proven and no phase, window %d\nbefore %+v\nafter %+v", allowed, before, after)
	}
}
