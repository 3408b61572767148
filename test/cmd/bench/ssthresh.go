// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/lab"
)

const ssthreshMethod = "12 MB over 20 ms and 100 Mbit/s with CUBIC, a queue of 1 BDP, cwnd and ssthresh of 40 segments handed over. " +
	"A sender that is told a threshold of 40 grows slowly from there: that is what *exact* is asked for; without it (*ssthresh unknown*) slow start goes on, until HyStart takes the evenly spaced ACKs of a paced window for a full path. " +
	"*careful* would gain nothing from so small a window and leaves the connection alone. " +
	"*clamp* sets both by the socket options that a sockops program has for it, TCP_BPF_IW and TCP_BPF_SNDCWND_CLAMP, in a program of this bench: " +
	"the clamp becomes ssthresh and stays the largest window for life. " +
	"The original fallback program does that; the figure published of it, on another setup, is 4.398 s and a largest window of 40."

// handed is the window in segments.
const handed = 40

// ssthresh is section c.
func ssthresh(ctx context.Context, opts options) (section, error) {
	r, err := bench.Load(ctx)
	if err != nil {
		return section{}, err
	}
	defer r.Close()
	clamped, err := attachTo("clamp", clampProgram(handed))
	if err != nil {
		return section{}, err
	}
	defer clamped.Close()
	bed, err := bench.NewBed(r, lab.Path{RTT: 20 * time.Millisecond, Rate: 100e6})
	if err != nil {
		return section{}, err
	}
	window := bench.Window{Cwnd: resume.Bytes(handed * bed.MSS()), RTT: 20 * time.Millisecond}
	unknown := bench.Transfer{CC: "cubic", Bytes: 12e6, Window: window}
	known := unknown
	known.Window.Ssthresh = window.Cwnd
	clamping := known
	clamping.Server = clamped.cgroup
	var contests []contest
	for _, mode := range bench.Modes {
		if mode.Name == "careful" {
			continue
		}
		contests = append(contests, contest{Name: mode.Name, mode: mode, transfer: known})
		if mode.Name == "exact" {
			contests = append(contests, contest{Name: mode.Name + ", ssthresh unknown", mode: mode, transfer: unknown})
		}
	}
	contests = append(contests, contest{Name: "clamp", mode: bench.Modes[0], transfer: clamping})
	for range opts.repeats {
		for i, c := range contests {
			trial, failed := bed.Run(ctx, c.mode, c.transfer)
			if failed := opts.book.Tolerate(failed); failed != nil {
				err = errors.Join(err, failed)
				break
			}
			contests[i].Runs = append(c.Runs, runOf(trial))
			opts.book.AddTime(trial.Elapsed, "ssthresh", c.Name)
		}
	}
	if err := errors.Join(err, bed.Close()); err != nil {
		return section{}, err
	}
	return section{title: "Stored ssthresh", method: ssthreshMethod, tables: []table{ssthreshTable(contests)}}, nil
}

// contest is one way to hand the windows over.
type contest struct {
	mode     bench.Mode
	transfer bench.Transfer
	Name     string
	Runs     []run
}

func ssthreshTable(contests []contest) table {
	typical := func(c contest) run { return middle(c.Runs, func(r run) float64 { return r.Ms }) }
	var cold float64
	for _, c := range contests {
		if c.Name == "cold" {
			cold = typical(c).Ms
		}
	}
	t := table{head: []string{"mode", "time", "x ideal", "x cold", "largest cwnd", "retransmits"}}
	for _, c := range contests {
		r := typical(c)
		progress("ssthresh %s: %s", c.Name, milliseconds(r.Ms))
		t.rows = append(t.rows, []string{
			c.Name, milliseconds(r.Ms), fmt.Sprintf("%.2f", r.Ratio), fmt.Sprintf("%.2f", r.Ms/cold),
			fmt.Sprint(r.MaxCwnd), fmt.Sprint(r.Retransmits),
		})
	}
	return t
}
