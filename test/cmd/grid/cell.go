// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/tcpresume/tcpresume/pkg/resume"
	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

// longest is more than 10 MB may take over 300 ms with losses.
const longest = 5 * time.Minute

// exchange is what a TLS server answers before it is asked for the response.
const exchange = 4000

// route is one emulated path.
type route struct {
	RTT   time.Duration
	Rate  uint64
	Queue float64 // in BDP
}

func (r route) String() string {
	return fmt.Sprintf("%d ms, %d Mbit/s, queue %g BDP", r.RTT.Milliseconds(), r.Rate/1e6, r.Queue)
}

// figure is the outcome of one way to start: one run for each seed, in order.
type figure struct {
	Times       []time.Duration
	Retransmits []int
	Ideal       time.Duration
	Disturbed   int      // runs repeated because the machine was too busy
	Tolerated   []string // of runs that were disturbed each time
}

// connection is what one of them showed, and how many before it were thrown away.
type connection struct {
	lab.Result
	disturbed int
	tolerated error
}

func figureOf(runs []connection) figure {
	f := figure{Ideal: runs[0].Ideal}
	for _, r := range runs {
		f.Times = append(f.Times, r.Elapsed)
		f.Retransmits = append(f.Retransmits, r.Retransmits)
		f.Disturbed += r.disturbed
		if r.tolerated != nil {
			f.Tolerated = append(f.Tolerated, r.tolerated.Error())
		}
	}
	return f
}

func (f figure) time() time.Duration { return figures.Median(f.Times) }
func (f figure) retransmits() int    { return figures.Median(f.Retransmits) }

// start is a way to begin a connection: cold, a larger initial window, careful.
type start struct {
	entry    float64 // saved window in BDP; 0: none
	initcwnd float64 // of the route, in BDP; 0: the kernel's
}

type bench struct {
	rig     *rig.Rig
	cc      string
	repeats int
	lanes   int
	loss    float64
}

// attempts is how often a run is made at most, until the machine was not too busy for it.
const attempts = 6

// once makes the run of a seed.
func (b bench) once(ctx context.Context, on route, bytes int, how start, seed uint64) (made connection, err error) {
	made.Result, made.disturbed, err = lab.Again(attempts, func() (lab.Result, error) {
		result, err := b.fetch(ctx, on, bytes, how, seed)
		return result, result.Judge(err)
	})
	if err != nil {
		err = fmt.Errorf("%v, %d bytes: %w", on, bytes, err)
	}
	if lab.Whole(err) {
		made.tolerated, err = err, nil
	}
	return made, err
}

func (b bench) fetch(ctx context.Context, on route, bytes int, how start, seed uint64) (lab.Result, error) {
	path := lab.Path{RTT: on.RTT, Rate: on.Rate, Loss: b.loss, Seed: seed}
	bdp := path.BDP()
	path.Queue = int(on.Queue * float64(bdp))
	l, err := lab.New(path)
	if err != nil {
		return lab.Result{}, err
	}
	defer l.Close()
	if how.entry > 0 {
		path := resume.Path{Peer: l.Client.IPv4, Cwnd: resume.Bytes(how.entry * float64(bdp)), RTT: on.RTT}
		if err := b.rig.PutFor(l.Server, path); err != nil {
			return lab.Result{}, err
		}
	}
	if how.initcwnd > 0 {
		if err := l.Server.RouteInitCwnd(l.Client.IPv4, int(how.initcwnd*float64(bdp))/1448); err != nil {
			return lab.Result{}, err
		}
	}
	return l.Fetch(ctx, lab.ListenSpec{Network: "tcp4", CC: b.cc, Cgroup: b.rig.Cgroup}, lab.Fetch{
		Bytes: bytes, Before: exchange, SampleEvery: -1, Timeout: longest,
	})
}
