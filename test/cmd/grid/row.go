// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"

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
	return all, nil
}
