// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"sync"
	"time"

	"github.com/tcpresume/tcpresume/test/lab"
)

// Flight is the data that the server sent in the round trip that began with its
// first: before any acknowledgement could return.
type Flight []Departure

// Departure is one data packet on its way into the path.
type Departure struct {
	After time.Duration // since the first one
	Size  int           // of the whole packet
}

// Lasted is the time between the first and the last departure.
func (f Flight) Lasted() time.Duration {
	if len(f) == 0 {
		return 0
	}
	return f[len(f)-1].After
}

// Bins returns how many bytes left in each stretch of the flight.
func (f Flight) Bins(width time.Duration) []int {
	bins := make([]int, f.Lasted()/width+1)
	for _, d := range f {
		bins[d.After/width] += d.Size
	}
	return bins
}

// recorder is shared with the thread that moves packets.
type recorder struct {
	rtt time.Duration

	mu     sync.Mutex
	begun  bool
	start  time.Duration
	flight Flight
}

func record(l *lab.Lab) *recorder {
	r := &recorder{rtt: l.Path().RTT, flight: make(Flight, 0, 4096)}
	l.Capture(r.see)
	return r
}

func (r *recorder) see(p lab.Packet) {
	if p.Payload == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.begun {
		r.begun, r.start = true, p.At
	}
	if after := p.At - r.start; after < r.rtt {
		r.flight = append(r.flight, Departure{After: after, Size: p.Size})
	}
}

func (r *recorder) stop(l *lab.Lab) Flight {
	l.Capture(nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.flight
}
