// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"
)

func lateStats(rtt time.Duration, late ...uint64) Stats {
	s := Stats{Tolerance: Path{RTT: rtt}.tolerance()}
	s.ToClient.Packets, s.ToServer.Packets = 696, 400
	copy(s.ToClient.Late[:], late)
	return s
}

func TestLatenessIsJudgedByTheRoundTrip(t *testing.T) {
	for name, c := range map[string]struct {
		stats     Stats
		disturbed bool
	}{
		"1 ms of 100":           {lateStats(100*time.Millisecond, 12), false},
		"2 ms of 100":           {lateStats(100*time.Millisecond, 12, 12), true},
		"8 ms of 400":           {lateStats(400*time.Millisecond, 90, 80, 70), false},
		"1 ms of 10":            {lateStats(10*time.Millisecond, 12), true},
		"1 ms of 10, few":       {lateStats(10*time.Millisecond, 7), false},
		"lost on this machine":  {Stats{Tolerance: time.Millisecond, Lost: 1}, true},
		"nothing has been sent": {Stats{Tolerance: time.Millisecond}, false},
	} {
		err := c.stats.Undisturbed()
		if (err != nil) != c.disturbed || c.disturbed && (!errors.Is(err, ErrBusy) || !Whole(err)) {
			t.Errorf("%s: got %v, want disturbed %v", name, err, c.disturbed)
		}
	}
}

func TestDisturbedSaysHowMuch(t *testing.T) {
	s := lateStats(100*time.Millisecond, 30, 12, 4)
	s.Lost = 2
	want := "the machine is too busy to measure: 12 of 696 packets came more than 2ms late, none as late as 8ms, and 2 were lost on this machine"
	if got := s.Undisturbed().Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestAgainEndsWithTheBest is about what the machine does, so it makes it up.
func TestAgainEndsWithTheBest(t *testing.T) {
	late := func(packets uint64) error { return &Disturbed{Late: packets, Packets: 696} }
	failed := fmt.Errorf("%w: %w", ErrBusy, io.ErrUnexpectedEOF)
	for name, c := range map[string]struct {
		tries  []error
		best   int // the number of the measurement that is returned
		thrown int
		whole  bool
	}{
		"quiet at once":              {[]error{nil}, 0, 0, true},
		"quiet in the end":           {[]error{late(90), failed, nil}, 2, 2, true},
		"never quiet":                {[]error{late(90), late(20), late(50), failed}, 1, 3, true},
		"lost weighs more than late": {[]error{&Disturbed{Lost: 1, Packets: 696}, late(500), late(600), late(700)}, 1, 3, true},
		"the last is the only one":   {[]error{failed, failed, failed, late(90)}, 3, 3, true},
		"none is whole":              {[]error{failed, failed, failed, failed}, 0, 3, false},
		"another fault ends it":      {[]error{late(90), io.EOF}, 1, 1, false},
	} {
		n := -1
		best, thrown, err := Again(4, func() (int, error) {
			n++
			return n, c.tries[n]
		})
		if best != c.best || thrown != c.thrown || Whole(err) != c.whole {
			t.Errorf("%s: got number %d, %d thrown away, %v", name, best, thrown, err)
		}
		if c.whole && !errors.Is(err, c.tries[best]) {
			t.Errorf("%s: the error %v is not of the measurement", name, err)
		}
	}
}

func TestJudgeTellsWholeFromFailed(t *testing.T) {
	quiet, busy := Result{}, Result{Link: Stats{Tolerance: time.Millisecond, Lost: 3}}
	for name, c := range map[string]struct {
		result      Result
		err         error
		busy, whole bool
	}{
		"quiet":              {quiet, nil, false, true},
		"disturbed":          {busy, nil, true, true},
		"disturbed and told": {busy, busy.Link.Undisturbed(), true, true},
		"failed":             {quiet, context.DeadlineExceeded, false, false},
		"failed when busy":   {busy, context.DeadlineExceeded, true, false},
	} {
		err := c.result.Judge(c.err)
		if errors.Is(err, ErrBusy) != c.busy || Whole(err) != c.whole {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
