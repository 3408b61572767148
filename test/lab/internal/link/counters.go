// SPDX-License-Identifier: Apache-2.0

package link

import "sync/atomic"

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
	// Late are the packets delivered more than 1 ms after their time. More than
	// a few mean that the machine is too busy to measure.
	Late uint64
}

type counters struct {
	packets, bytes, queueDrops, lossDrops, cutDrops, late atomic.Uint64
}

func (c *counters) snapshot() Counters {
	return Counters{
		Packets:    c.packets.Load(),
		Bytes:      c.bytes.Load(),
		QueueDrops: c.queueDrops.Load(),
		LossDrops:  c.lossDrops.Load(),
		CutDrops:   c.cutDrops.Load(),
		Late:       c.late.Load(),
	}
}
