// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"cmp"
	"errors"
	"fmt"
	"time"
)

// ErrBusy says that a measurement is worthless, or worth less: the machine was
// too busy to emulate the path.
var ErrBusy = errors.New("the machine is too busy to measure")

// Disturbed is an ErrBusy of a measurement that is whole. Its figures tell of the
// machine as well as of the path; whoever gives them must give this with them.
type Disturbed struct {
	// Late packets, of Packets in their direction, were delivered later than Tolerance.
	Late, Packets uint64
	Tolerance     time.Duration
	// Below is a time by which none was late.
	Below time.Duration
	// Lost packets were dropped because the link did not read them in time.
	Lost uint64
}

func (d *Disturbed) Error() string { return ErrBusy.Error() + ": " + d.Says() }

// Is makes it an ErrBusy.
func (d *Disturbed) Is(target error) bool { return target == ErrBusy }

// Says tells what was tolerated, for whoever reads the figures.
func (d *Disturbed) Says() string {
	text := fmt.Sprintf("%d of %d packets came more than %v late, none as late as %v", d.Late, d.Packets, d.Tolerance, d.Below)
	if d.Lost > 0 {
		text += fmt.Sprintf(", and %d were lost on this machine", d.Lost)
	}
	return text
}

// Whole reports whether there is a measurement: err is nil or no more than a Disturbed.
func Whole(err error) bool {
	var d *Disturbed
	return err == nil || errors.As(err, &d)
}

// lateShare is the part of packets that may be later than the path tolerates.
const lateShare = 0.01

// Disturbance returns what the worse direction suffered, which may be nothing.
func (s Stats) Disturbance() *Disturbed {
	worse := &Disturbed{}
	for _, direction := range []Counters{s.ToClient, s.ToServer} {
		d := &Disturbed{Late: direction.Late.Over(s.Tolerance), Packets: direction.Packets,
			Tolerance: s.Tolerance, Below: direction.Late.Below(), Lost: s.Lost}
		if worse.Packets == 0 || worse.Less(d) {
			worse = d
		}
	}
	return worse
}

// Undisturbed returns a Disturbed if the machine lost packets, or if more than one
// in a hundred was later than the path tolerates.
func (s Stats) Undisturbed() error {
	if d := s.Disturbance(); d.Lost > 0 || float64(d.Late) > lateShare*float64(d.Packets)+1 {
		return d
	}
	return nil
}

// Less reports whether d is the smaller disturbance. What cannot be told from
// loss on the path weighs most.
func (d *Disturbed) Less(other *Disturbed) bool {
	if d.Lost != other.Lost {
		return d.Lost < other.Lost
	}
	return cmp.Or(cmp.Compare(d.share(), other.share()), cmp.Compare(d.Below, other.Below)) < 0
}

func (d *Disturbed) share() float64 { return float64(d.Late) / float64(max(d.Packets, 1)) }

// Again measures until the machine was not too busy, and at most so many times.
// It returns the measurement that was least disturbed and how many it threw away.
// The error is nil for one that was not disturbed, a Disturbed for one that can be
// used where that is told, and another one if there is no measurement.
func Again[T any](times int, measure func() (T, error)) (best T, thrown int, err error) {
	for n := range times {
		got, failed := measure()
		if !errors.Is(failed, ErrBusy) {
			return got, n, failed
		}
		if n == 0 || better(failed, err) {
			best, err = got, failed
		}
	}
	return best, times - 1, err
}

// better compares two ErrBusy.
func better(err, other error) bool {
	var d, least *Disturbed
	if !errors.As(err, &d) {
		return false
	}
	return !errors.As(other, &least) || d.Less(least)
}

// Judge returns what is to be said of a measurement whose error was err: nothing,
// that the machine disturbed it, or that it failed, in which case a busy machine
// is a reason to make it again.
func (r Result) Judge(err error) error {
	disturbed := r.Link.Undisturbed()
	var lost *Disturbed
	switch {
	case err == nil, errors.As(err, &lost):
		return disturbed
	case disturbed != nil:
		return fmt.Errorf("%w: %w", ErrBusy, err)
	}
	return err
}
