// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

const (
	settled   = 3 * time.Second        // the long flow has found its rate
	later     = 500 * time.Millisecond // so that a newcomer meets each part of the flow's probing
	aftermath = 5 * time.Second        // over which its goodput is compared
)

// collision is one newcomer beside the long flow.
type collision struct {
	newcomer lab.Result
	lost     uint64  // packets of the long flow, from the newcomer's start to the end of the aftermath
	goodput  float64 // of the long flow in the aftermath, Mbit/s
}

func besideAFlow(ctx context.Context, r *rig.Rig) error {
	fmt.Fprintf(book, "A newcomer of 6 MB beside a long CUBIC flow, 100 ms, 100 Mbit/s, queue 1 BDP, medians of %d. The n-th run meets the flow %v later than the one before it.\n", *repeats, later)
	fmt.Fprintln(book, "\n| newcomer | its time | its retransmits, all runs | packets the long flow lost | long flow's goodput over the next 5 s |\n|---|---|---|---|---|")
	for _, wrong := range []bool{false, true} {
		all, err := each(ctx, func(ctx context.Context, run int) (collision, error) {
			return collide(ctx, r, wrong, settled+time.Duration(run)*later)
		})
		if err != nil {
			return err
		}
		var retransmits []int
		for _, c := range all {
			retransmits = append(retransmits, c.newcomer.Retransmits)
			c.keep(start("cubic", wrong))
		}
		slices.Sort(retransmits)
		fmt.Fprintf(book, "| %s | %s | %d, %v | %d | %.1f Mbit/s |\n", start("CUBIC", wrong),
			milliseconds(middle(all, func(c collision) time.Duration { return c.newcomer.Elapsed })),
			figures.Median(retransmits), retransmits,
			middle(all, func(c collision) uint64 { return c.lost }),
			middle(all, func(c collision) float64 { return c.goodput }))
	}
	return nil
}

func (c collision) keep(newcomer string) {
	book.AddTime(c.newcomer.Elapsed, "stale", "beside", newcomer)
	book.Add(float64(c.newcomer.Retransmits), "retransmits", "stale", "beside", newcomer)
	book.Add(float64(c.lost), "lost", "stale", "beside", newcomer, "long flow")
	book.Add(c.goodput, "Mbit/s", "stale", "beside", newcomer, "long flow")
}

func middle[T ~int | ~int64 | ~uint64 | ~float64](all []collision, of func(collision) T) T {
	values := make([]T, len(all))
	for i, c := range all {
		values[i] = of(c)
	}
	return figures.Median(values)
}

func collide(ctx context.Context, r *rig.Rig, wrong bool, settled time.Duration) (collision, error) {
	l, err := stage(r, lab.Path{RTT: 100 * time.Millisecond, Rate: 100e6}, 1, wrong)
	if err != nil {
		return collision{}, err
	}
	defer l.Close()
	server, err := l.Serve(ctx, lab.ListenSpec{Network: "tcp4", CC: "cubic", Cgroup: r.Cgroup})
	if err != nil {
		return collision{}, err
	}
	defer server.Close()

	long := make(chan lab.Result, 1)
	ending, end := context.WithCancel(ctx)
	defer end()
	began := time.Now()
	go func() {
		result, _ := server.Fetch(ending, lab.Fetch{Bytes: 1 << 30, SampleEvery: 5 * time.Millisecond})
		long <- result
	}()
	time.Sleep(settled)
	met := time.Since(began)
	c := collision{}
	c.newcomer, err = server.Fetch(ctx, lab.Fetch{Bytes: 6_000_000, Before: exchange, Local: newcomer, SampleEvery: -1})
	left := time.Since(began)
	disturbed := c.newcomer.Judge(err)
	if !lab.Whole(disturbed) {
		return c, disturbed
	}
	time.Sleep(aftermath)
	end()
	samples := (<-long).Samples
	if len(samples) == 0 {
		return c, errors.New("the long flow was not sampled")
	}
	before, after, last := at(samples, met), at(samples, left), at(samples, left+aftermath)
	c.lost = uint64(last.Retransmits - before.Retransmits)
	c.goodput = float64(last.Delivered-after.Delivered) * 8 / 1e6 / (last.At - after.At).Seconds()
	return c, disturbed
}

// at is the last sample not later than t.
func at(samples []lab.Sample, t time.Duration) lab.Sample {
	i, _ := slices.BinarySearchFunc(samples, t, func(s lab.Sample, t time.Duration) int { return int(s.At - t) })
	return samples[max(0, i-1)]
}
