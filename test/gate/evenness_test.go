// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/lab"
)

const binWidth = 5 * time.Millisecond

// This looks at how even the first flight is, not at how fast: a burst would
// overrun a queue that is shallower than the window.
func TestTheFirstFlightLeavesEvenly(t *testing.T) {
	path := lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6}
	bdp := path.BDP()
	path.Queue = bdp / 4
	s := newStage(t, path)
	for cc := range controls {
		t.Run(cc, func(t *testing.T) {
			s.put(t, resume.Path{Cwnd: resume.Bytes(bdp), RTT: path.RTT, Sharing: resume.SharingShared})
			// A busy machine can hold up a timer, and two bins' packets leave in one; a burst is there each time.
			const attempts = 5
			var bins []int
			for range attempts {
				if bins = s.firstFlight(t, cc); even(bins) {
					return
				}
			}
			t.Errorf("in %d attempts a bin was more than a quarter off the mean, at last: %v", attempts, bins)
		})
	}
}

func even(bins []int) bool {
	sum := 0
	for _, bytes := range bins {
		sum += bytes
	}
	mean := sum / len(bins)
	return !slices.ContainsFunc(bins, func(bytes int) bool { return bytes < mean-mean/4 || bytes > mean+mean/4 })
}

// firstFlight returns how many bytes of the first round trip left in each full bin.
func (s *stage) firstFlight(t *testing.T, cc string) []int {
	t.Helper()
	const unpacedSegments = 10 // at the start of each connection the stack does not pace
	var (
		mu      sync.Mutex
		segment int
		start   time.Duration
		bins    = make([]int, s.Path().RTT/binWidth-1)
	)
	p := s.connect(t, lab.ListenSpec{CC: cc}, lab.DialSpec{})
	s.Capture(func(packet lab.Packet) {
		mu.Lock()
		defer mu.Unlock()
		if packet.Payload == 0 {
			return
		}
		if segment++; segment <= unpacedSegments {
			start = packet.At
			return
		}
		if bin := int((packet.At - start) / binWidth); bin < len(bins) {
			bins[bin] += packet.Payload
		}
	})
	defer s.Capture(nil)
	p.send(t, s.Path().BDP())
	p.reset(t)
	mu.Lock()
	defer mu.Unlock()
	return bins
}
