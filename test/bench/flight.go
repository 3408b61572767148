// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"sync"
	"time"

	"github.com/tcpresume/tcpresume/test/lab"
)

// Flight is the data that a server sent in one round trip. In the first, which
// began with its first data, no acknowledgement could return.
type Flight []Departure

// Departure is one data packet on its way into the path.
type Departure struct {
	After time.Duration // since the round trip began
	Size  int           // of the whole packet
}

// Lasted is the time until the last departure.
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

	mu      sync.Mutex
	connect time.Time // just before the client's
	begun   bool
	start   time.Duration
	flights [2]Flight
}

func record(l *lab.Lab) *recorder {
	r := &recorder{rtt: l.Path().RTT}
	for i := range r.flights {
		r.flights[i] = make(Flight, 0, 4096)
	}
	l.Capture(r.see)
	return r
}

func (r *recorder) see(p lab.Packet) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.connect.IsZero() { // the answer to the client's SYN
		r.connect = time.Now().Add(-r.rtt / 2)
	}
	if p.Payload == 0 {
		return
	}
	if !r.begun {
		r.begun, r.start = true, p.At
	}
	after := p.At - r.start
	if round := int(after / r.rtt); round < len(r.flights) {
		departure := Departure{After: after % r.rtt, Size: p.Size}
		r.flights[round] = append(r.flights[round], departure)
	}
}

// stop ends the recording; the fields may be read then.
func (r *recorder) stop(l *lab.Lab) {
	l.Capture(nil)
	r.mu.Lock() // the last packet may still be on its way in
	defer r.mu.Unlock()
}
