// SPDX-License-Identifier: Apache-2.0

package fleet

import (
	"sync"
	"sync/atomic"
	"time"
)

// clock is a steady clock of this process, and what the server's clock shows
// beside it. How long a message lay in the bucket, and which of two changes came
// first, follows from that one clock alone, whatever the machines' are.
type clock struct {
	began  time.Time
	offset atomic.Int64 // server's wall clock minus the steady clock
	known  atomic.Bool
	error  atomic.Int64 // of offset, at most

	mu sync.Mutex
	at int64 // of the comparison in force
}

func newClock() *clock { return &clock{began: time.Now()} }

// now is in nanoseconds since the clock was made; it never jumps.
func (c *clock) now() int64 { return int64(time.Since(c.began)) }

// trust is how long a comparison is better than a later one that took longer:
// clocks drift by some ten microseconds a second.
const trust = time.Minute

// compare takes a server's time that was read between two moments.
func (c *clock) compare(server time.Time, before, after int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	took := (after - before) / 2
	offset := server.UnixNano() - (before+after)/2
	moved := offset - c.offset.Load()
	stepped := max(moved, -moved) > took+c.error.Load()+int64(time.Millisecond)
	if c.known.Load() && !stepped && took > c.error.Load() && after-c.at < int64(trust) {
		return
	}
	c.at = after
	c.offset.Store(offset)
	c.error.Store(took)
	c.known.Store(true)
}

// slack is how far apart two machines may date what happened at the same time.
func (c *clock) slack() int64 { return int64(time.Millisecond) + 2*c.error.Load() }

// told is a moment of the steady clock as messages have it, meant the inverse.
func (c *clock) told(at int64) int64 { return (at + c.offset.Load()) / int64(time.Microsecond) }

func (c *clock) meant(at int64) int64 { return at*int64(time.Microsecond) - c.offset.Load() }

// lay is how long ago the server's clock showed a time.
func (c *clock) lay(server time.Time) time.Duration {
	if !c.known.Load() {
		return 0
	}
	return max(0, time.Duration(c.now()+c.offset.Load()-server.UnixNano()))
}

// skew is how far this machine's wall clock is ahead of the server's.
func (c *clock) skew() time.Duration {
	if !c.known.Load() {
		return 0
	}
	return time.Duration(time.Now().UnixNano() - c.now() - c.offset.Load())
}
