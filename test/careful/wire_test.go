// SPDX-License-Identifier: Apache-2.0

package careful

import (
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// wire is what the server sent, as it left.
type wire struct {
	mu  sync.Mutex
	all []lab.Packet
}

// record sees only packets with data, from now on.
func (s *stage) record(t testing.TB) *wire {
	w := &wire{}
	s.Capture(func(p lab.Packet) {
		if p.Payload > 0 {
			p.Raw = nil
			w.mu.Lock()
			w.all = append(w.all, p)
			w.mu.Unlock()
		}
	})
	t.Cleanup(func() { s.Capture(nil) })
	return w
}

func (w *wire) packets() []lab.Packet {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.all)
}

// bytes counts payload from one time to another, the latter excluded.
func (w *wire) bytes(from, to time.Duration) (sum int) {
	for _, p := range w.packets() {
		if p.At >= from && p.At < to {
			sum += p.Payload
		}
	}
	return sum
}

// at is when a byte left for the first time.
func (w *wire) at(t testing.TB, seq uint32) time.Duration {
	t.Helper()
	for _, p := range w.packets() {
		if seq-p.Seq < uint32(p.Payload) {
			return p.At
		}
	}
	t.Fatalf("byte %d was never sent", seq)
	return 0
}

// loseOnce loses the packets that hold the given bytes of the next connection's
// stream, each once, and counts them.
func (s *stage) loseOnce(t testing.TB, offsets ...uint32) *atomic.Int32 {
	var (
		seen bool
		isn  uint32
		lost atomic.Int32
	)
	s.Capture(func(p lab.Packet) {
		if p.Payload == 0 {
			return
		}
		if !seen {
			seen, isn = true, p.Seq
		}
		at := p.Seq - isn
		if hit := slices.IndexFunc(offsets, func(o uint32) bool { return o-at < uint32(p.Payload) }); hit >= 0 {
			offsets = slices.Delete(slices.Clone(offsets), hit, hit+1)
			scene.Lose(p)
			lost.Add(1)
		}
	})
	t.Cleanup(func() { s.Capture(nil) })
	return &lost
}
