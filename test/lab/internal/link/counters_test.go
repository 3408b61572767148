// SPDX-License-Identifier: Apache-2.0

package link

import (
	"testing"
	"time"
)

func TestLatenessIsCountedByPowersOfTwo(t *testing.T) {
	var c counters
	for _, late := range []time.Duration{0, time.Millisecond, time.Millisecond + 1, 3 * time.Millisecond, 4 * time.Millisecond, 5 * time.Millisecond} {
		c.delivered(late)
	}
	got := c.snapshot()
	if want := (Lateness{4, 3, 1}); got.Late != want {
		t.Errorf("counted %v, want %v", got.Late, want)
	}
	for limit, want := range map[time.Duration]uint64{1: 4, 2: 3, 3: 3, 4: 1, 8: 0} {
		if over := got.Late.Over(limit * time.Millisecond); over != want {
			t.Errorf("%d over %d ms, want %d", over, limit, want)
		}
	}
	if below := got.Late.Below(); below != 8*time.Millisecond {
		t.Errorf("none by %v, want 8ms", below)
	}
	c.delivered(time.Hour)
	if since := c.snapshot().Since(got); since.Late.Over(2*time.Second) != 1 || since.Late.Over(time.Millisecond) != 1 {
		t.Errorf("an hour is counted as %v", since.Late)
	}
}
