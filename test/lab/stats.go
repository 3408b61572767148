// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"time"

	"github.com/tcpresume/tcpresume/test/lab/internal/link"
)

// Counters count what one direction of the link has done.
type Counters = link.Counters

// Stats are the counts of both directions.
type Stats struct {
	// ToClient is the direction from server to client, ToServer the other.
	ToClient, ToServer Counters
	// Tolerance is how late a packet of this path may be without being counted against it.
	Tolerance time.Duration
	// Lost are the packets that the kernel dropped because the link did not read
	// them in time. Only a Result knows them.
	Lost uint64
}

// Stats returns the counts since the lab was made.
func (l *Lab) Stats() Stats {
	return Stats{ToClient: l.toClient.Counters(), ToServer: l.toServer.Counters(), Tolerance: l.Path().tolerance()}
}

// tolerance is a fiftieth of the round trip, down to a power of two of
// milliseconds as the link counts, but never less than the 1 ms that it is meant to
// keep: 2 ms of 100 move a figure by less than other things do.
func (p Path) tolerance() time.Duration {
	tolerated := time.Millisecond
	for 2*tolerated <= p.RTT/50 {
		tolerated *= 2
	}
	return tolerated
}

// Since returns what was counted after the earlier stats.
func (s Stats) Since(earlier Stats) Stats {
	s.ToClient, s.ToServer = s.ToClient.Since(earlier.ToClient), s.ToServer.Since(earlier.ToServer)
	return s
}

// Overruns counts the packets that the kernel dropped because the link did not
// read them in time. It is 0 unless the machine is overloaded.
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
