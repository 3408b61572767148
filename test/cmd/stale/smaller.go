// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

func onASmallerPath(ctx context.Context, r *rig.Rig) error {
	fmt.Fprintf(book, "\nAlone on a path of a tenth of what the entry says, 60 ms, 40 Mbit/s, medians of %d.\n", *repeats)
	fmt.Fprintln(book, "\n| queue | response | server | cold, retransmits | careful, retransmits | entry afterwards | the next connection |\n|---|---|---|---|---|---|---|")
	for _, cc := range []string{"cubic", "bbr"} {
		for _, queue := range []float64{0.25, 1} {
			for _, bytes := range []int{1_000_000, 4_000_000} {
				if err := compare(ctx, r, cc, queue, bytes); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// visit is one connection with the wrong entry or without, and the one after it.
type visit struct {
	first, next lab.Result
	entry       string
}

func compare(ctx context.Context, r *rig.Rig, cc string, queue float64, bytes int) error {
	var both [2][]visit
	for i, wrong := range []bool{false, true} {
		all, err := each(ctx, func(ctx context.Context, _ int) (visit, error) {
			return visitSmaller(ctx, r, cc, queue, bytes, wrong)
		})
		if err != nil {
			return err
		}
		for _, v := range all {
			figure := []any{"stale", "smaller", fmt.Sprintf("queue %g", queue), fmt.Sprintf("%g MB", float64(bytes)/1e6), start(cc, wrong)}
			book.AddTime(v.first.Elapsed, figure...)
			book.Add(float64(v.first.Retransmits), "retransmits", figure...)
		}
		both[i] = all
	}
	without, with := typical(both[0]), typical(both[1])
	fmt.Fprintf(book, "| %g BDP | %g MB | %s | %s, %d | %s (%.2f x), %d | %s | %s |\n", queue, float64(bytes)/1e6, cc,
		milliseconds(without.first.Elapsed), without.first.Retransmits,
		milliseconds(with.first.Elapsed), float64(with.first.Elapsed)/float64(without.first.Elapsed), with.first.Retransmits,
		with.entry, milliseconds(with.next.Elapsed))
	return nil
}

func typical(visits []visit) visit {
	slices.SortFunc(visits, func(a, b visit) int { return int(a.first.Elapsed - b.first.Elapsed) })
	return visits[len(visits)/2]
}

func visitSmaller(ctx context.Context, r *rig.Rig, cc string, queue float64, bytes int, wrong bool) (visit, error) {
	l, err := stage(r, lab.Path{RTT: 60 * time.Millisecond, Rate: 40e6}, queue, wrong)
	if err != nil {
		return visit{}, err
	}
	defer l.Close()
	fetch := func() (lab.Result, error) {
		return l.Fetch(ctx, lab.ListenSpec{Network: "tcp4", CC: cc, Cgroup: r.Cgroup},
			lab.Fetch{Bytes: bytes, Before: exchange, Local: newcomer, SampleEvery: -1})
	}
	v := visit{entry: "none"}
	v.first, err = fetch()
	disturbed := v.first.Judge(err)
	if !lab.Whole(disturbed) {
		return v, disturbed
	}
	switch entry, err := r.EntryOf(l.Server, newcomer); {
	case err == nil:
		v.entry = string(entry.State)
	case !errors.Is(err, pathstore.ErrNotFound):
		return v, err
	}
	if v.next, err = fetch(); err != nil {
		return v, v.next.Judge(err)
	}
	return v, disturbed
}
