// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"cmp"
	"context"
	"errors"
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
	// Discarded counts other tries that the machine was too busy for.
	Discarded int
}

const triesPerTrial = 4

// Run makes one transfer in a mode, and again while the machine is too busy. If it
// was so for each try, the best is returned with a lab.Disturbed.
func (b *Bed) Run(ctx context.Context, mode Mode, t Transfer) (Trial, error) {
	trial, discarded, err := lab.Again(cmp.Or(b.Tries, triesPerTrial), func() (Trial, error) { return b.try(ctx, mode, t) })
	trial.Discarded = discarded
	if err != nil {
		err = fmt.Errorf("mode %s: %w", mode.Name, err)
	}
	return trial, err
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
	recorder := record(b.Lab)
	phases := b.watch()
	trial.Result, err = b.Lab.Fetch(ctx, listen, lab.Fetch{Bytes: t.Bytes, Before: t.Before, Local: mode.client()})
	recorder.stop(b.Lab)
	trial.Flight, trial.Second = recorder.flights[0], recorder.flights[1]
	trial.Phases = phases(recorder.connect)
	if err == nil || errors.Is(err, lab.ErrBusy) {
		if failed := b.checkResumed(mode, resumed); failed != nil {
			err = failed
		}
	}
	return trial, trial.Judge(err)
}

// pace asks for a rate far above every path's.
func pace(fd int) error {
	return unix.SetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_MAX_PACING_RATE, 1e12)
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
