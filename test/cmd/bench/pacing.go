// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

const (
	pacingBin    = 5 * time.Millisecond
	pacingMethod = "A 3 MB response at 100 ms and 100 Mbit/s, 1 BDP handed over, from a capture where the server's packets leave: kB of IP packets per 5 ms. " +
		"Shown is the first round trip, for *careful*, which begins with ten segments, the second: the jump to half of the window. " +
		"The deviation is that of the farthest bin from the mean, over all bins but the first, which has the 10 segments that Linux never paces, and the last, which is not full. " +
		"At the rate of *exact* the stack sends 8 segments (12 kB) at a time, so a bin has 5 or 6 of those. " +
		"Of the repeats the one with the median deviation is shown; the path drains 62.5 kB in 5 ms."
)

// burst is how the window handed over left the server.
type burst struct {
	Name      string
	Bins      []int
	Mean      float64
	Deviation float64
	Full      int
}

// pacing is section b.
func pacing(ctx context.Context, opts options) (section, error) {
	r, err := bench.Load(ctx)
	if err != nil {
		return section{}, err
	}
	all, err := bursts(ctx, r, opts)
	if err := errors.Join(err, r.Close()); err != nil {
		return section{}, err
	}
	return section{title: "Pacing of the window", method: pacingMethod, tables: []table{pacingTable(all)}}, nil
}

func bursts(ctx context.Context, r *rig.Rig, opts options) ([]burst, error) {
	bed, err := bench.NewBed(r, lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6})
	if err != nil {
		return nil, err
	}
	defer bed.Close()
	var all []burst
	for _, cc := range []string{"cubic", "reno", "bbr"} {
		for _, mode := range bench.Modes {
			if mode.Name == "cold" {
				continue // ten segments
			}
			var tries []burst
			for range opts.repeats {
				trial, err := bed.Run(ctx, mode, bench.Transfer{CC: cc, Bytes: 3e6})
				if err := opts.book.Tolerate(err); err != nil {
					return nil, err
				}
				flight := trial.Flight
				if mode.Name == "careful" {
					flight = trial.Second
				}
				b := burstOf(mode.Name+" "+cc, flight.Bins(pacingBin))
				opts.book.Add(100*b.Deviation, "%", "pacing", cc, mode.Name)
				tries = append(tries, b)
			}
			b := middle(tries, func(b burst) float64 { return b.Deviation })
			progress("pacing %s: %s", b.Name, b.deviation())
			all = append(all, b)
		}
	}
	return all, nil
}

func burstOf(name string, bins []int) burst {
	b := burst{Name: name, Bins: bins}
	if len(bins) < 4 {
		return b
	}
	full := bins[1 : len(bins)-1]
	b.Full = len(full)
	for _, bytes := range full {
		b.Mean += float64(bytes) / float64(len(full))
	}
	for _, bytes := range full {
		b.Deviation = max(b.Deviation, math.Abs(float64(bytes)-b.Mean)/b.Mean)
	}
	return b
}

func (b burst) deviation() string {
	if b.Full == 0 {
		return "one burst"
	}
	return fmt.Sprintf("%.1f %% of %.1f kB", 100*b.Deviation, b.Mean/1e3)
}

func pacingTable(all []burst) table {
	t := table{head: []string{"ms"}}
	rows := 0
	for _, b := range all {
		t.head = append(t.head, b.Name)
		rows = max(rows, len(b.Bins))
	}
	for i := range rows {
		start := i * int(pacingBin/time.Millisecond)
		row := []string{fmt.Sprintf("%d–%d", start, start+5)}
		for _, b := range all {
			text := ""
			if i < len(b.Bins) {
				text = fmt.Sprintf("%.1f", float64(b.Bins[i])/1e3)
			}
			row = append(row, text)
		}
		t.rows = append(t.rows, row)
	}
	last := []string{"deviation"}
	for _, b := range all {
		last = append(last, b.deviation())
	}
	t.rows = append(t.rows, last)
	return t
}
