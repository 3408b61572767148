// SPDX-License-Identifier: Apache-2.0

package link

import (
	"math/bits"
	"sync/atomic"
	"time"
)

// Counters count what one direction has done since it was made.
type Counters struct {
	// Packets and Bytes are the IP packets that the sending host offered, those
	// dropped later included.
	Packets, Bytes uint64
	// QueueDrops are the packets that found the queue full.
	QueueDrops uint64
	// LossDrops are the packets lost at random behind the bottleneck.
	LossDrops uint64
	// CutDrops are the packets offered while the path was cut.
	CutDrops uint64
	// Late are the packets delivered after their time.
	Late Lateness
}

// Lateness counts packets by how late they were: element i those that were more
// than 2^i ms late, so that each element includes the ones after it.
type Lateness [12]uint64

// Over returns how many packets were later than a power of two of milliseconds;
// another limit counts as the power below it, and less than 1 ms as 1 ms.
func (l Lateness) Over(limit time.Duration) uint64 { return l[max(powers(limit), 1)-1] }

// Below returns a time by which no packet was late, the least power of two of
// milliseconds that is one. Beyond the last element it is the largest duration.
func (l Lateness) Below() time.Duration {
	for i, packets := range l {
		if packets == 0 {
			return time.Millisecond << i
		}
	}
	return 1<<63 - 1
}

// powers returns how many powers of two of milliseconds are not above d.
func powers(d time.Duration) int { return min(bits.Len64(uint64(d/time.Millisecond)), len(Lateness{})) }

type counters struct {
	packets, bytes, queueDrops, lossDrops, cutDrops atomic.Uint64

	late [len(Lateness{})]atomic.Uint64
}

// delivered notes by how much a packet missed its time.
func (c *counters) delivered(late time.Duration) {
	for i := range powers(late - 1) { // not late by a limit is not later than it
		c.late[i].Add(1)
	}
}

func (c *counters) snapshot() Counters {
	now := Counters{
		Packets:    c.packets.Load(),
		Bytes:      c.bytes.Load(),
		QueueDrops: c.queueDrops.Load(),
		LossDrops:  c.lossDrops.Load(),
		CutDrops:   c.cutDrops.Load(),
	}
	for i := range now.Late {
		now.Late[i] = c.late[i].Load()
	}
	return now
}

// Since returns what was counted after the earlier snapshot.
func (c Counters) Since(earlier Counters) Counters {
	c.Packets -= earlier.Packets
	c.Bytes -= earlier.Bytes
	c.QueueDrops -= earlier.QueueDrops
	c.LossDrops -= earlier.LossDrops
	c.CutDrops -= earlier.CutDrops
	for i := range c.Late {
		c.Late[i] -= earlier.Late[i]
	}
	return c
}
