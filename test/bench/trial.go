// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/lab"
)

// Transfer is what each mode has to do.
type Transfer struct {
	// CC is the server's congestion control.
	CC string
	// Bytes and Before are those of lab.Fetch.
	Bytes, Before int
	// Paced turns on the kernel's own pacing, which a server on fq also has.
	Paced bool
	// Window is handed over; the zero value means one BDP.
	Window Window
	// Server, if set, is the cgroup of the server instead of the one that fits the mode.
	Server *lab.Cgroup
}

// Trial is one measured transfer.
type Trial struct {
	lab.Result
	Mode Mode
	// Command is what a person would have typed for it; empty for nothing.
	Command string
	// Flight and Second are what the server sent in its first two round trips.
	Flight, Second Flight
	// Phases are the changes of tcpresume's phase.
	Phases []Phase
	// Discarded counts earlier tries that the machine was too busy for.
	Discarded int
}

const triesPerTrial = 4

// Run makes one transfer in a mode, and again while the machine is too busy.
func (b *Bed) Run(ctx context.Context, mode Mode, t Transfer) (Trial, error) {
	var trial Trial
	discarded, err := lab.Again(triesPerTrial, func() (err error) {
		trial, err = b.try(ctx, mode, t)
		return err
	})
	trial.Discarded = discarded
	if err != nil {
		return trial, fmt.Errorf("mode %s: %w", mode.Name, err)
	}
	return trial, nil
}

func (b *Bed) try(ctx context.Context, mode Mode, t Transfer) (Trial, error) {
	if t.Window == (Window{}) {
		t.Window = b.BDP()
	}
	trial := Trial{Mode: mode}
	var err error
	if trial.Command, err = mode.prepare(ctx, b, mode.client(), t.Window); err != nil {
		return trial, err
	}
	listen := lab.ListenSpec{CC: t.CC, Cgroup: t.Server}
	if t.Paced {
		listen.Control = pace
	}
	if mode.Resumed {
		listen.Cgroup = b.Rig.Cgroup
	}
	resumed, err := b.resumed()
	if err != nil {
		return trial, err
	}
	overruns, err := b.Lab.Overruns()
	if err != nil {
		return trial, err
	}
	recorder := record(b.Lab)
	phases := b.watch()
	trial.Result, err = b.Lab.Fetch(ctx, listen, lab.Fetch{Bytes: t.Bytes, Before: t.Before, Local: mode.client()})
	recorder.stop(b.Lab)
	trial.Flight, trial.Second = recorder.flights[0], recorder.flights[1]
	trial.Phases = phases(recorder.connect)
	if err := b.busy(overruns, trial.Result); err != nil {
		return trial, err
	}
	if err != nil {
		return trial, err
	}
	return trial, b.checkResumed(mode, resumed)
}

// pace asks for a rate far above every path's.
func pace(fd int) error {
	return unix.SetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, 1e12)
}

func (b *Bed) busy(overrunsBefore uint64, result lab.Result) error {
	overruns, err := b.Lab.Overruns()
	if err != nil {
		return err
	}
	if n := overruns - overrunsBefore; n > 0 {
		return fmt.Errorf("%w: the emulated path did not read %d packets in time", lab.ErrBusy, n)
	}
	return result.Link.Undisturbed()
}

func (b *Bed) resumed() (uint64, error) {
	counters, err := b.Rig.Counters()
	return counters["resumed"], err
}

// checkResumed exists because a connection that starts cold looks like a slow one.
func (b *Bed) checkResumed(mode Mode, before uint64) error {
	counters, err := b.Rig.Counters()
	if err != nil {
		return err
	}
	if mode.Resumed && counters["resumed"] != before+1 {
		return fmt.Errorf("tcpresume did not resume the connection: its counters are %v", counters)
	}
	return nil
}
