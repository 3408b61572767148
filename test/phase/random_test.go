// SPDX-License-Identifier: Apache-2.0

package phase

import (
	"math/rand/v2"
	"testing"
)

const randomSteps = 300_000

// dice decide what happens next: at random, or as a fuzzer wants it.
type dice interface {
	IntN(n int) int
	Uint64N(n uint64) uint64
}

// walk drives one connection with events that a sender can see in any order.
type walk struct {
	*sender
	dice
	model model
	queue uint64 // what a standing queue adds to each sample, if it is there at all

	filledFrom, filled uint64 // the window at the start of Filling, and what was acknowledged since
}

func newWalk(t testing.TB, random dice) *walk {
	mss := []uint64{1, 536, 1000, 1448, 8948}[random.IntN(5)]
	s := newSender(t, mss, uint32(mss*uint64(20+random.IntN(2000))), 0)
	if random.IntN(3) == 0 {
		s.Phase.MaxJump = uint32(mss * uint64(10+random.IntN(500)))
	}
	near := func() uint64 { return 1<<32 - uint64(random.IntN(3000))*mss }
	s.una, s.delivered, s.nowUs = near(), near(), near()
	s.nxt = s.una
	s.Phase.SavedRttUs = uint32(1 + random.IntN(300_000))
	s.minRTTUs = uint64(s.Phase.SavedRttUs) * uint64(40+random.IntN(200)) / 100
	if random.IntN(8) == 0 {
		s.minRTTUs = uint64(s.Phase.SavedRttUs) * uint64(900+random.IntN(200)) / 100
	}
	s.minRTTUs++
	s.srttUs = s.minRTTUs * uint64(100+random.IntN(60)) / 100
	if random.IntN(8) == 0 {
		s.receiverWindow = mss * uint64(random.IntN(400))
	}
	if random.IntN(8) == 0 {
		s.clamp = mss * uint64(10+random.IntN(400))
	}
	queue := s.minRTTUs * uint64(random.IntN(2))
	return &walk{sender: s, dice: random, queue: queue, model: model{
		now: reconnaissance, savedCwnd: uint64(s.Phase.SavedCwnd), savedRTT: uint64(s.Phase.SavedRttUs),
		maxJump: uint64(s.Phase.MaxJump), rttLow: uint64(s.Phase.RttLowPercent), rttHigh: uint64(s.Phase.RttHighPercent),
	}}
}

// compare lets the model judge what the kernel has just judged.
func (w *walk) compare(before check) {
	w.t.Helper()
	kernel := w.cwnd
	w.cwnd = uint64(before.Io.Cwnd)
	m := &w.model
	v := verdict{cwnd: w.cwnd}
	if w.left {
		m.leave(w.sender, before.Io.Trigger, &v)
	} else {
		v = m.event(w.sender, w.Io.Input, uint64(before.Io.Acked), uint64(before.Io.RttUs))
	}
	w.cwnd = kernel
	if m.now != w.Phase.Now || v.trigger != w.Io.Trigger || v.cwnd != kernel || v.ssthresh != uint64(w.Io.Ssthresh) ||
		m.cold != uint64(w.Phase.Cold) || m.credit != uint64(w.Phase.Credit) || m.opened != (w.Phase.Open != 0) ||
		m.pipe != uint64(w.Phase.Pipe) || m.jump != uint64(w.Phase.Jump) || m.limit != w.Phase.Limit {
		w.t.Fatalf("the kernel says %+v\n%+v\nthe model says %+v\n%+v\nbefore %+v", w.Phase, w.Io, *m, v, before)
	}
	if (m.now == validating || m.now == safeRetreat || m.now == filling) && uint32(m.lastUnvalidated) != w.Phase.LastUnvalidated {
		w.t.Fatalf("last unvalidated byte %d, the model says %d", w.Phase.LastUnvalidated, uint32(m.lastUnvalidated))
	}
}

// move makes one thing happen; losses are rare, or no jump would ever be validated.
func (w *walk) move() {
	switch n := w.IntN(1000); {
	case n < 300:
		if w.IntN(3) == 0 {
			w.waiting += w.mss * uint64(w.IntN(600))
		}
		w.send()
	case n < 550:
		w.nowUs += uint64(w.IntN(int(w.srttUs)/8 + 1))
		w.Io.RttUs = uint32(w.minRTTUs + w.queue + uint64(w.IntN(int(w.minRTTUs)/8+1)))
		w.ack(w.part(w.flight()))
	case n < 850:
		w.nowUs += uint64(w.IntN(int(w.srttUs)/8 + 1))
		w.ack(min(w.flight(), w.mss*uint64(1+w.IntN(4))))
	case n < 900:
		if w.hole > 0 {
			w.nowUs += w.srttUs / 2
			w.repair()
		}
	case n < 915 && w.hole == 0 && w.flight() > 0:
		w.hole = min(w.flight(), w.mss*uint64(1+w.IntN(8)))
		w.event(inputLoss)
	case n < 920:
		w.event(inputECN)
	case n < 923:
		w.event(inputRTO)
	case n < 925:
		w.event(inputMTU)
	case n < 927:
		w.event(inputLocal)
	case n < 929 && w.Phase.Now != normal:
		w.leave([]uint32{replaced, draining}[w.IntN(2)])
	case n < 934:
		w.minRTTUs = 1 + w.minRTTUs*uint64(30+w.IntN(70))/100
	case n < 960:
		w.srttUs = max(w.minRTTUs, w.srttUs*uint64(90+w.IntN(25))/100)
	case n < 985:
		w.nowUs += uint64(w.IntN(3*int(w.srttUs) + 1))
		w.event(inputAck) // nothing new, as a window update
	default:
		w.event(inputAck)
	}
}

// part is any share of n, whole packets more often than not.
func (w *walk) part(n uint64) uint64 {
	if n == 0 || w.IntN(6) == 0 {
		return n
	}
	share := w.Uint64N(n + 1)
	if w.IntN(4) != 0 {
		share = share / w.mss * w.mss
	}
	return share
}

// The kernel's machine and the model agree on every step of random lives, and
// both keep what the RFC demands at all times.
func TestRandomLives(t *testing.T) {
	random := rand.New(rand.NewPCG(9959, 3))
	triggers, limits := make(map[uint32]int), make(map[uint32]int)
	steps, lives := 0, 0
	for ; steps < randomSteps; lives++ {
		w := newWalk(t, random)
		final := 0
		w.observe = func(_ *sender, before check) {
			w.compare(before)
			w.invariants(before)
			triggers[w.Io.Trigger]++
			if w.Io.Trigger == windowLimited {
				limits[w.Phase.Limit]++
			}
			steps++
		}
		for range 2000 {
			w.move()
			if w.Phase.Now == normal {
				if final++; final > 20 {
					break
				}
			}
		}
		w.ends()
	}
	for _, trigger := range []uint32{windowLimited, rttNotValidated, lastSent, firstAcknowledged, rttExceeded, rateLimited,
		lastAcknowledged, pathChanged, packetLoss, ecnCE, rto, exitRecovery, noGain, pipeFull, localCongestion, replaced, draining} {
		if triggers[trigger] < 5 {
			t.Errorf("trigger %d came %d times only: the walk does not reach it", trigger, triggers[trigger])
		}
	}
	for limit := bySavedWindow; limit <= byClamp; limit++ {
		if limits[limit] < 5 {
			t.Errorf("limit %d bound %d jumps only: the walk does not reach it", limit, limits[limit])
		}
	}
	t.Logf("%d steps, %d lives, triggers %v", steps, lives, triggers)
}
