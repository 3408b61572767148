// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"errors"
	"fmt"

	"github.com/tcpresume/tcpresume/test/lab/internal/link"
)

// ErrBusy says that a measurement is worthless: the machine was too busy to
// emulate the path.
var ErrBusy = errors.New("the machine is too busy to measure")

// Again measures until the machine was not too busy, and at most so many times.
// It returns how many measurements it threw away before the last one.
func Again(times int, measure func() error) (thrown int, err error) {
	for ; ; thrown++ {
		if err = measure(); !errors.Is(err, ErrBusy) || thrown+1 >= times {
			return thrown, err
		}
	}
}

// lateShare is the part of packets that may be delivered more than 1 ms after their time.
const lateShare = 0.01

// Counters count what one direction of the link has done.
type Counters = link.Counters

// Stats are the counts of both directions.
type Stats struct {
	// ToClient is the direction from server to client, ToServer the other.
	ToClient, ToServer Counters
}

// Stats returns the counts since the lab was made.
func (l *Lab) Stats() Stats {
	return Stats{ToClient: l.toClient.Counters(), ToServer: l.toServer.Counters()}
}

// Since returns what was counted after the earlier stats.
func (s Stats) Since(earlier Stats) Stats {
	return Stats{
		ToClient: countersSince(s.ToClient, earlier.ToClient),
		ToServer: countersSince(s.ToServer, earlier.ToServer),
	}
}

// Undisturbed returns ErrBusy if more than one packet in a hundred left the link late.
func (s Stats) Undisturbed() error {
	for _, direction := range []Counters{s.ToClient, s.ToServer} {
		if float64(direction.Late) > lateShare*float64(direction.Packets)+1 {
			return fmt.Errorf("%w: the emulated path delivered %d of %d packets late", ErrBusy, direction.Late, direction.Packets)
		}
	}
	return nil
}

func countersSince(now, earlier Counters) Counters {
	return Counters{
		Packets:    now.Packets - earlier.Packets,
		Bytes:      now.Bytes - earlier.Bytes,
		QueueDrops: now.QueueDrops - earlier.QueueDrops,
		LossDrops:  now.LossDrops - earlier.LossDrops,
		CutDrops:   now.CutDrops - earlier.CutDrops,
		Late:       now.Late - earlier.Late,
	}
}

// Overruns counts the packets that the kernel dropped because the link did not
// read them in time. It is 0 unless the machine is overloaded; measurements made
// while it grew are worthless.
func (l *Lab) Overruns() (uint64, error) {
	var sum uint64
	for _, host := range []*Host{l.Client, l.Server} {
		dropped, err := host.transmitDrops()
		if err != nil {
			return 0, err
		}
		sum += dropped
	}
	return sum, nil
}
