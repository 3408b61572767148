// SPDX-License-Identifier: Apache-2.0

package link

import (
	"math/rand/v2"
	"time"
)

type verdict int

const (
	deliver verdict = iota
	dropQueue
	dropLoss
)

// shaper decides the fate of each packet from arrival times alone; all times
// count from one common start.
type shaper struct {
	config    Config
	room      time.Duration
	busyUntil time.Duration
	lastOut   time.Duration
	dice      *rand.Rand
}

func newShaper(config Config, seed uint64) *shaper {
	// The second half of the seed only has to be the same in every run.
	s := &shaper{dice: rand.New(rand.NewPCG(seed, 0x7463707265737565))}
	s.reconfigure(config)
	return s
}

func (s *shaper) reconfigure(config Config) {
	s.config = config
	s.room = config.queueTime()
}

// admit returns when a packet that arrives now reaches the far end. The dice are
// thrown for every packet, dropped or not, so that the n-th packet's luck depends
// on the seed and n only.
func (s *shaper) admit(now time.Duration, size int) (time.Duration, verdict) {
	unlucky := s.dice.Float64() < s.config.Loss
	serialisation := s.config.serialisation(size)

	start := max(now, s.busyUntil)
	// A packet always fits an idle link, however small the queue.
	if start > now && start+serialisation-now > s.room {
		return 0, dropQueue
	}
	s.busyUntil = start + serialisation
	if unlucky {
		return 0, dropLoss
	}
	// A delay that was just shortened must not let packets overtake.
	s.lastOut = max(s.lastOut, s.busyUntil+s.config.Delay)
	return s.lastOut, deliver
}
