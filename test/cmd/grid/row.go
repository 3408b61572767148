// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"

	"golang.org/x/sync/errgroup"
)

// row is what was measured on one path with one size of response.
type row struct {
	Route    route
	Bytes    int
	Cold     figure
	Careful  map[string]figure // by saved window in BDP
	InitCwnd figure            // of 2 BDP
}

// row measures all ways to start, seed by seed: what disturbs the machine for a
// while disturbs them all, and a seed loses the n-th packet of each.
func (b bench) row(ctx context.Context, on route, bytes int) (row, error) {
	ways := []start{{}, {initcwnd: 2}}
	for _, entry := range entries {
		ways = append(ways, start{entry: entry})
	}
	before, err := b.rig.Counters()
	if err != nil {
		return row{}, err
	}
	runs := make([][]connection, len(ways))
	running, ctx := errgroup.WithContext(ctx)
	running.SetLimit(b.lanes)
	for i := range ways {
		runs[i] = make([]connection, b.repeats)
	}
	for n := range b.repeats {
		for i, way := range ways {
			running.Go(func() (err error) {
				runs[i][n], err = b.once(ctx, on, bytes, way, uint64(n+1))
				return err
			})
		}
	}
	if err := running.Wait(); err != nil {
		return row{}, err
	}
	all := row{Route: on, Bytes: bytes, Cold: figureOf(runs[0]), InitCwnd: figureOf(runs[1]), Careful: make(map[string]figure)}
	for i, entry := range entries {
		all.Careful[fmt.Sprint(entry)] = figureOf(runs[2+i])
	}
	return all, b.checkFound(before, all)
}

// again measures rows with a cell that is out of bounds once more, alone and more
// often: where a cold start itself ends in one of two ways, three runs that begin
// together may all have ended in the same.
func (b bench) again(ctx context.Context, all *record) error {
	b.lanes, b.repeats = 1, 3*b.repeats
	for i, r := range all.Rows {
		slow, loud := r.outOfBounds(all.slack())
		if len(slow)+len(loud) == 0 || len(r.Cold.Times) == b.repeats {
			continue
		}
		measured, err := b.row(ctx, r.Route, r.Bytes)
		if err != nil {
			return err
		}
		fmt.Fprintf(os.Stderr, "%v, %d kB: again\n", r.Route, r.Bytes/1000)
		all.Rows[i] = measured
		if err := all.save(*kept); err != nil {
			return err
		}
	}
	return nil
}

// checkFound exists because a connection that should have had an entry, and had
// none, would pass for one that gains nothing. Clients whose sockets happened to be
// made in the servers' cgroup count as established, and find none either.
func (b bench) checkFound(before map[string]uint64, r row) error {
	now, err := b.rig.Counters()
	since := func(counter string) int { return int(now[counter] - before[counter]) }
	want := 0
	for _, f := range r.Careful {
		want += len(f.Times) + f.Disturbed
	}
	if got := since("established") - since("no_saved_path"); err == nil && got != want {
		err = fmt.Errorf("%v: %d connections found an entry, and %d had one", r.Route, got, want)
	}
	return err
}
