// SPDX-License-Identifier: Apache-2.0

package link

import (
	"slices"
	"testing"
	"time"
)

const packet = 1000 // bytes

// slow takes 8 ms for a packet.
var slow = Config{Rate: 1e6, Queue: 3 * packet, Delay: 50 * time.Millisecond}

func TestPacketsLeaveAtTheRate(t *testing.T) {
	s := newShaper(slow, 0)
	for n := 1; n <= 3; n++ {
		out, verdict := s.admit(0, packet)
		want := time.Duration(n)*8*time.Millisecond + slow.Delay
		if verdict != deliver || out != want {
			t.Errorf("packet %d: out at %v, verdict %d, want %v", n, out, verdict, want)
		}
	}
}

func TestFullQueueDropsAndDrains(t *testing.T) {
	s := newShaper(slow, 0)
	var verdicts []verdict
	for range 4 {
		_, verdict := s.admit(0, packet)
		verdicts = append(verdicts, verdict)
	}
	if want := []verdict{deliver, deliver, deliver, dropQueue}; !slices.Equal(verdicts, want) {
		t.Errorf("got %v, want %v", verdicts, want)
	}
	if _, verdict := s.admit(8*time.Millisecond, packet); verdict != deliver {
		t.Error("no room although a packet has left")
	}
}

func TestIdleLinkTakesPacketLargerThanItsQueue(t *testing.T) {
	s := newShaper(Config{Rate: 1e6, Queue: 1}, 0)
	if _, verdict := s.admit(0, packet); verdict != deliver {
		t.Error("idle link dropped a packet")
	}
	if _, verdict := s.admit(time.Millisecond, packet); verdict != dropQueue {
		t.Error("busy link without room took a packet")
	}
}

func TestSeedFixesWhichPacketsAreLost(t *testing.T) {
	lost := func(seed uint64, config Config) (numbers []int) {
		s := newShaper(config, seed)
		for n := range 2000 {
			if _, verdict := s.admit(time.Duration(n)*time.Millisecond, packet); verdict == dropLoss {
				numbers = append(numbers, n)
			}
		}
		return numbers
	}
	lossy := Config{Rate: 1e9, Queue: packet, Loss: 0.05}
	first := lost(1, lossy)
	if !slices.Equal(first, lost(1, lossy)) {
		t.Error("same seed, other packets")
	}
	if slices.Equal(first, lost(2, lossy)) {
		t.Error("other seed, same packets")
	}
	crowded := lossy
	crowded.Rate = 4e6 // takes every other packet only
	for _, n := range lost(1, crowded) {
		if !slices.Contains(first, n) {
			t.Errorf("packet %d is lost because others were dropped before it", n)
		}
	}
}

func TestShorterDelayDoesNotReorder(t *testing.T) {
	s := newShaper(slow, 0)
	before, _ := s.admit(0, packet)
	sooner := slow
	sooner.Delay = 0
	s.reconfigure(sooner)
	if after, _ := s.admit(time.Millisecond, packet); after < before {
		t.Errorf("second packet arrives at %v, first at %v", after, before)
	}
}
