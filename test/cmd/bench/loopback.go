// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"

	"github.com/cilium/ebpf"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

// loopback is a host whose peers are the addresses of 10.0.0.0/8, on its loopback
// device: those of 127.0.0.0/8 are left alone.
type loopback struct {
	rig      *rig.Rig
	host     *lab.Host
	programs []*ebpf.Program
	closers  []func() error
}

// situation is what a connection meets.
type situation struct {
	name     string
	acceptor *acceptor
	known    bool // the peer has an entry,
	careful  bool // of mode careful instead of exact
	watched  bool // somebody reads the events
	program  int  // index of the program that runs; -1 for none
}

// odd chooses between the modes of stockedMode.
func (s situation) odd() int {
	if s.careful {
		return 1
	}
	return 0
}

// round is what a number of connections cost together.
type round struct {
	Stored      int
	Situation   string
	Runs        float64
	Ns          float64
	WrapperNs   float64
	PerSecond   float64
	ResumedPart float64
}

// homeAll makes every peer an address of the host, with segments as on Ethernet.
func (l *loopback) homeAll() error {
	return l.host.Do(func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		peers := netip.PrefixFrom(peer(0), 8).Masked()
		return errors.Join(netlink.LinkSetMTU(lo, 1500), netlink.RouteAdd(&netlink.Route{
			LinkIndex: lo.Attrs().Index, Table: unix.RT_TABLE_LOCAL, Type: unix.RTN_LOCAL, Scope: unix.RT_SCOPE_HOST,
			Dst: &net.IPNet{IP: peers.Addr().AsSlice(), Mask: net.CIDRMask(peers.Bits(), 32)},
		}))
	})
}

func (l *loopback) close() error {
	var errs []error
	for _, f := range l.closers {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

func (l *loopback) measure(ctx context.Context, opts options) ([]round, error) {
	situations, err := l.prepare(ctx)
	if err != nil {
		return nil, err
	}
	var all []round
	for _, n := range stocked {
		if err := stock(l.rig, n); err != nil {
			return nil, err
		}
		for turn := range roundsPerN*opts.repeats + 1 {
			for _, s := range situations {
				measured, err := l.round(ctx, s, n, turn)
				if err != nil {
					return nil, fmt.Errorf("%s with %d stored: %w", s.name, n, err)
				}
				if turn > 0 { // the first warms up
					all = append(all, measured)
				}
			}
		}
		progress("cost with %d stored: measured", n)
	}
	return all, nil
}

func (l *loopback) prepare(ctx context.Context) ([]situation, error) {
	if err := l.homeAll(); err != nil {
		return nil, err
	}
	none, err1 := attachTo("none", nil)
	empty, err2 := attachTo("empty", emptyProgram())
	l.closers = append(l.closers, none.Close, empty.Close)
	ours, err3 := ebpf.NewProgramFromID(ebpf.ProgramID(l.rig.State.Program.ID))
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	l.programs = []*ebpf.Program{empty.program, ours}
	wrapper, err := wrapperPrograms("cubic_")
	if err != nil {
		return nil, err
	}
	l.programs = append(l.programs, wrapper...)
	var situations []situation
	for _, s := range []struct {
		situation
		cgroup *lab.Cgroup
	}{
		{situation{name: "no program", program: -1}, none.cgroup},
		{situation{name: "empty", program: 0}, empty.cgroup},
		{situation{name: "miss", program: 1}, l.rig.Cgroup},
		{situation{name: "hit, exact", program: 1, known: true}, l.rig.Cgroup},
		{situation{name: "hit, careful", program: 1, known: true, careful: true}, l.rig.Cgroup},
		{situation{name: "hit, careful, events read", program: 1, known: true, careful: true, watched: true}, l.rig.Cgroup},
	} {
		if s.acceptor, err = listenOn(ctx, l.host, s.cgroup); err != nil {
			return nil, err
		}
		// Before the cgroups: a cgroup is removed when nothing listens in it.
		l.closers = append([]func() error{s.acceptor.listener.Close}, l.closers...)
		situations = append(situations, s.situation)
	}
	return situations, nil
}

// round counts what its connections cost; who should resume and does not would look cheap.
func (l *loopback) round(ctx context.Context, s situation, stored, turn int) (round, error) {
	random := rand.New(rand.NewPCG(uint64(turn), uint64(stored)))
	peers := make([]netip.Addr, roundSize)
	for i := range peers {
		peers[i] = peer(strangers + random.IntN(1<<20))
		if s.known {
			peers[i] = peer(random.IntN(stored/2)*2 + s.odd())
		}
	}
	watching, stop := context.WithCancel(ctx)
	defer stop()
	if s.watched {
		go l.rig.Store.Watch(watching, func(pathstore.Event) error { return nil })
	}
	resumed, err := l.rig.Counters()
	if err != nil {
		return round{}, err
	}
	before, err := l.statistics()
	if err != nil {
		return round{}, err
	}
	took, err := s.acceptor.connections(peers)
	if err != nil {
		return round{}, err
	}
	after, err := l.statistics()
	if err != nil {
		return round{}, err
	}
	now, err := l.rig.Counters()
	measured := round{
		Stored: stored, Situation: s.name, PerSecond: roundSize / took.Seconds(),
		ResumedPart: float64(now["resumed"]-resumed["resumed"]) / roundSize,
	}
	if s.program >= 0 {
		measured.Runs = float64(after[s.program].RunCount-before[s.program].RunCount) / roundSize
		measured.Ns = float64(after[s.program].Runtime-before[s.program].Runtime) / roundSize
	}
	for i := 2; i < len(after); i++ {
		measured.WrapperNs += float64(after[i].Runtime-before[i].Runtime) / roundSize
	}
	if err == nil && s.known != (measured.ResumedPart == 1) {
		err = fmt.Errorf("%.1f %% of the connections resumed", measured.ResumedPart*100)
	}
	return measured, err
}
