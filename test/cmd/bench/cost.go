// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

const costMethod = "Connections over the loopback device of a network namespace, made and reset one after another by one thread, " +
	"%d in a round, %d rounds of each case in turns; every connection comes from another address, at random among the stored ones (or those not stored). " +
	"Times are what the kernel's statistics of BPF programs count on the server's side (their own cost is in them: subtract *empty*, a program that returns at once). " +
	"The server's connection sends nothing, so it is ESTABLISHED and CLOSE that count. A *hit* is: look up, claim (shared entry), socket storage, switch to `resume_cubic`, one event, and at the end another event. " +
	"A *miss* is watched for what it may teach, as by default. " +
	"Where *events* are *read* (the agent, `tcpresume watch`), the reader looks fifty times a second; events wake nobody. " +
	"*wrapper* is the congestion control's own programs. Connections/s contains the client's half and everything else that a connection takes. " +
	"Speed varies with the machine's other load: compare within a column."

const (
	roundSize  = 5000
	roundsPerN = 2 // a round is short: more of them than of other figures
)

// stocked is how many paths are stored while a table is measured.
var stocked = []int{10, 1000, 1_000_000}

// cost is section d.
func cost(ctx context.Context, opts options) (_ section, err error) {
	s := section{title: "Cost of a connection and of a path"}
	s.method = fmt.Sprintf(costMethod, roundSize, roundsPerN*opts.repeats)
	var used memory
	empty := vmalloc()
	r, err := bench.Load(ctx)
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	loaded := vmalloc()
	if err := stock(r, stocked[len(stocked)-1]); err != nil {
		return s, err
	}
	used.Loading, used.Storing = loaded-empty, vmalloc()-loaded
	if err := used.account(r); err != nil {
		return s, err
	}
	all, err := onLoopback(ctx, r, opts)
	s.tables = append(costTables(all), used.table())
	for _, r := range all {
		opts.book.Add(r.Ns, "ns", "cost", r.Stored, r.Situation, "sockops")
		opts.book.Add(r.WrapperNs, "ns", "cost", r.Stored, r.Situation, "wrapper")
		opts.book.Add(r.PerSecond, "/s", "cost", r.Stored, r.Situation, "connections")
	}
	opts.book.Add(float64(used.AllMaps)/float64(used.Capacity), "B", "cost", "memory", "path")
	return s, err
}

func onLoopback(ctx context.Context, r *rig.Rig, opts options) ([]round, error) {
	statistics, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return nil, fmt.Errorf("statistics of BPF programs: %w", err)
	}
	defer statistics.Close()
	l, err := lab.New(lab.Path{RTT: time.Millisecond, Rate: 1e9})
	if err != nil {
		return nil, err
	}
	host := &loopback{rig: r, host: l.Server}
	all, err := host.measure(ctx, opts)
	return all, errors.Join(err, host.close(), l.Close())
}
