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
)

const ackMethod = "10 MB over 20 ms and 100 Mbit/s, a queue of 1 BDP, 1 BDP stored: what the kernel's statistics of BPF programs count on the server in the life of the connection, divided by the segments that it received, nearly all of them ACKs. " +
	"*watched* is a cold start that is observed for what it may teach, once a round trip; *careful* is a resumed one. CUBIC and Reno sockets are handed back when the path is full; BBR would begin anew, so its sockets keep the wrapper, which then only passes on. " +
	"The wrapper's time contains that of the kernel's own CUBIC, Reno or BBR, which it calls."

// perACK is what one connection cost.
type perACK struct{ sockopsNs, wrapperNs, runs float64 }

// ack is the section on what goes on after ESTABLISHED.
func ack(ctx context.Context, opts options) (_ section, err error) {
	r, err := bench.Load(ctx)
	if err != nil {
		return section{}, err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	statistics, err := ebpf.EnableStats(unix.BPF_STATS_RUN_TIME)
	if err != nil {
		return section{}, fmt.Errorf("statistics of BPF programs: %w", err)
	}
	defer statistics.Close()
	bed, err := bench.NewBed(r, lab.Path{RTT: 20 * time.Millisecond, Rate: 100e6})
	if err != nil {
		return section{}, err
	}
	defer func() { err = errors.Join(err, bed.Close()) }()
	t := table{head: []string{"server", "connection", "sockops ns an ACK", "wrapper ns an ACK", "wrapper's runs an ACK"}}
	for _, cc := range []string{"cubic", "reno", "bbr"} {
		for _, mode := range bench.Modes {
			name := map[string]string{"cold": "watched", "careful": "careful"}[mode.Name]
			if name == "" {
				continue
			}
			var all []perACK
			for range opts.repeats {
				one, err := oneACK(ctx, bed, mode, bench.Transfer{CC: cc, Bytes: 10e6, Server: r.Cgroup}, opts)
				if err != nil {
					return section{}, fmt.Errorf("%s, %s: %w", cc, name, err)
				}
				opts.book.Add(one.sockopsNs, "ns", "ack", cc, name, "sockops")
				opts.book.Add(one.wrapperNs, "ns", "ack", cc, name, "wrapper")
				all = append(all, one)
			}
			typical := middle(all, func(p perACK) float64 { return p.sockopsNs + p.wrapperNs })
			progress("ack %s, %s: %.0f + %.0f ns", cc, name, typical.sockopsNs, typical.wrapperNs)
			t.rows = append(t.rows, []string{cc, name, fmt.Sprintf("%.0f", typical.sockopsNs), fmt.Sprintf("%.0f", typical.wrapperNs), fmt.Sprintf("%.2f", typical.runs)})
		}
	}
	return section{title: "Cost of an ACK", method: ackMethod, tables: []table{t}}, nil
}

func oneACK(ctx context.Context, bed *bench.Bed, mode bench.Mode, t bench.Transfer, opts options) (perACK, error) {
	if _, err := bed.Rig.Store.Flush(); err != nil { // what the one before taught
		return perACK{}, err
	}
	sockops, err := ebpf.NewProgramFromID(ebpf.ProgramID(bed.Rig.State.Program.ID))
	if err != nil {
		return perACK{}, err
	}
	wrapper, err := wrapperPrograms(t.CC + "_")
	if err != nil {
		return perACK{}, err
	}
	l := loopback{programs: append([]*ebpf.Program{sockops}, wrapper...)}
	defer func() {
		for _, p := range l.programs {
			p.Close()
		}
	}()
	before, err := l.statistics()
	if err != nil {
		return perACK{}, err
	}
	trial, err := bed.Run(ctx, mode, t)
	if err := opts.book.Tolerate(err); err != nil {
		return perACK{}, err
	}
	after, err := l.statistics()
	var one perACK
	acks := float64(trial.Final.Segs_in)
	for i := range after {
		ns := float64(after[i].Runtime-before[i].Runtime) / acks
		if i == 0 {
			one.sockopsNs = ns
			continue
		}
		one.wrapperNs += ns
		one.runs += float64(after[i].RunCount-before[i].RunCount) / acks
	}
	return one, err
}
