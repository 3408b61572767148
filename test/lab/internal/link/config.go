// SPDX-License-Identifier: Apache-2.0

package link

import "time"

// Config describes one direction of a path.
type Config struct {
	// Rate is the bottleneck in bits per second of IP packets; above 0.
	Rate uint64
	// Queue is the room in front of the bottleneck in bytes of IP packets, the
	// one being sent included.
	Queue int
	// Delay is the one-way propagation delay.
	Delay time.Duration
	// Loss is the probability, 0 to 1, that a packet vanishes behind the
	// bottleneck.
	Loss float64
}

func (c Config) serialisation(size int) time.Duration {
	return time.Duration(uint64(size) * 8 * uint64(time.Second) / c.Rate)
}

func (c Config) queueTime() time.Duration {
	return time.Duration(float64(c.Queue) * 8 * float64(time.Second) / float64(c.Rate))
}
