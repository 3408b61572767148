// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

const transferMethod = "A client connects over an emulated path (user space, between two network namespaces), asks, and reads the response; " +
	"the time runs from connect to the last byte. *ideal* is two round trips and the wire bytes at the bottleneck's rate. " +
	"*cold* is a stock server; *route* has `ip route ... initcwnd` with the same window; *exact* and *careful* are tcpresume with cwnd = ssthresh = 1 BDP stored; *careful* (RFC 9959) begins with ten segments and jumps to half of it once the path is confirmed. " +
	"The client's receive window is large unless a table says otherwise, both ends keep no metrics of their own, and the congestion control is set on the server's socket. " +
	"A trial in which the emulated path lost or delayed packets for want of CPU is discarded and repeated; where none was better, the best is kept, and said at the end. Cells: time (x ideal; x cold), and the range where it exceeds 5 %."

// transfer is section a.
func transfer(ctx context.Context, opts options) (section, error) {
	r, err := bench.Load(ctx)
	if err != nil {
		return section{}, err
	}
	var done []*cell
	for _, c := range cells(opts.full) {
		if err = c.measure(ctx, r, opts.repeats, opts.book); err != nil {
			err = fmt.Errorf("%v: %w", c, err)
			break
		}
		done = append(done, c)
	}
	if err := errors.Join(err, r.Close()); err != nil {
		return section{}, err
	}
	return section{title: "Transfers", method: transferMethod, tables: transferTables(done)}, nil
}

func (c *cell) measure(ctx context.Context, r *rig.Rig, repeats int, book *figures.Book) error {
	path := c.path()
	bed, err := bench.NewBed(r, path)
	if err != nil {
		return err
	}
	for range repeats {
		for _, mode := range bench.Modes {
			trial, err := bed.Run(ctx, mode, bench.Transfer{CC: c.CC, Bytes: c.Bytes, Before: c.Before, Paced: c.Paced})
			if err := book.Tolerate(err); err != nil {
				return errors.Join(err, bed.Close())
			}
			c.IdealMs = inMilliseconds(trial.Ideal)
			c.Runs = append(c.Runs, runOf(trial))
			book.AddTime(trial.Elapsed, "transfer", c, mode.Name)
			book.Add(float64(trial.Retransmits), "retransmits", "transfer", c, mode.Name)
		}
	}
	progress("transfer %v: %s", c, c.summary())
	return bed.Close()
}

// run is one trial as it is kept.
type run struct {
	Mode            string
	Ms              float64
	Ratio           float64
	Retransmits     int
	QueueDrops      uint64
	FirstFlight     int
	MaxCwnd         uint32
	ReceiverLimited float64
	Discarded       int
}

func runOf(t bench.Trial) run {
	r := run{
		Mode: t.Mode.Name, Ms: inMilliseconds(t.Elapsed), Ratio: t.Ratio,
		Retransmits: t.Retransmits, QueueDrops: t.Link.ToClient.QueueDrops,
		FirstFlight: len(t.Flight), MaxCwnd: maxCwnd(t.Samples), Discarded: t.Discarded,
	}
	if t.Final.Busy_time > 0 {
		r.ReceiverLimited = float64(t.Final.Rwnd_limited) / float64(t.Final.Busy_time)
	}
	return r
}

func maxCwnd(samples []lab.Sample) uint32 {
	var most uint32
	for _, s := range samples {
		most = max(most, s.Cwnd)
	}
	return most
}

func (c *cell) path() lab.Path {
	path := lab.Path{RTT: time.Duration(c.RTTms) * time.Millisecond, Rate: uint64(c.Mbps) * 1e6, StockWindow: c.StockWindow}
	path.Queue = int(float64(path.BDP()) * c.QueueBDP)
	return path
}
