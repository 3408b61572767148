// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

const (
	maxPaths = 1 << 18
	unbound  = 1 << 30
)

// machine is an agent with kernel maps of its own, which no program uses.
type machine struct {
	name   string
	bus    *bus
	store  *pathstore.Store
	fleet  *fleet.Fleet
	stored func(resume.Path) // of each path of another machine
	slow   time.Duration     // of each batch of writes
	url    string
	dir    string
	agent  *agent.Agent
	leave  func()
	stop   func()
}

// peerN is the n-th address from 64.0.0.0 on.
func peerN(n int) netip.Addr {
	var addr [4]byte
	binary.BigEndian.PutUint32(addr[:], 64<<24+uint32(n))
	return netip.AddrFrom4(addr)
}

func numberOf(peer netip.Addr) int {
	addr := peer.As4()
	return int(binary.BigEndian.Uint32(addr[:])) - 64<<24
}

func newMachine(name string, b *bus) (*machine, error) {
	spec, err := bytecode.LoadKernel()
	if err != nil {
		return nil, err
	}
	maps := make(map[string]*ebpf.Map)
	defer func() {
		for _, m := range maps {
			m.Close()
		}
	}()
	for _, name := range pathstore.Maps {
		one := spec.Maps[name].Copy()
		if name == bytecode.KernelMapResumePaths {
			one.MaxEntries = maxPaths
		}
		if maps[name], err = ebpf.NewMap(one); err != nil {
			return nil, fmt.Errorf("map %s: %w; run as root", name, err)
		}
	}
	m := &machine{name: name, bus: b, url: b.url(), leave: func() {}, stop: func() {}}
	if m.store, err = pathstore.FromMaps(maps); err != nil {
		return nil, err
	}
	m.dir, err = os.MkdirTemp("", "tcpresume-machine")
	return m, err
}

func (m *machine) config() fleet.Config {
	c := fleet.DefaultConfig()
	c.URL, c.Name, c.Site = m.url, m.name, "measure"
	return c
}

// slowMaps are those of a machine with little time.
type slowMaps struct {
	*pathstore.Writer
	pause time.Duration
}

func (s slowMaps) PutAll(paths []resume.Path) (int, error) {
	time.Sleep(s.pause)
	return s.Writer.PutAll(paths)
}

func (m *machine) join(ctx context.Context, log func(string, ...any)) error {
	opts := fleet.Options{Config: m.config(), Maps: m.store.Writer(), Stored: m.stored, Log: log}
	if m.slow > 0 {
		opts.Maps = slowMaps{m.store.Writer(), m.slow}
	}
	part, err := fleet.New(opts)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- part.Run(ctx) }()
	m.fleet = part
	m.leave = func() {
		cancel()
		<-done
		m.leave = func() {}
	}
	return nil
}

// live waits until the machine takes part.
func (m *machine) live() error {
	return until(patience, func() bool { return m.fleet.Status().State == fleet.StateLive })
}

// serve takes reports over a socket, as from a server of the machine.
func (m *machine) serve(ctx context.Context) (*client.Reporter, error) {
	config := agent.DefaultConfig()
	config.Callers = []agent.Caller{{UIDs: []uint32{0}, Rate: unbound, Burst: unbound, MaxPaths: maxPaths, MaxCwnd: agent.DefaultMaxCwnd}}
	sockets, err := agent.Listen(m.dir, -1)
	if err != nil {
		return nil, err
	}
	m.agent = agent.New(agent.Options{Config: config, Paths: m.store.Writer(), Observers: []agent.Observer{m}})
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- m.agent.Serve(ctx, sockets) }()
	m.stop = func() {
		cancel()
		<-done
		m.stop = func() {}
	}
	return client.New(client.Options{Dir: m.dir, Patience: time.Second}), nil
}

// Reported is the agent's seam for the fleet.
func (m *machine) Reported(o agent.Outcome) {
	if o.Result == agent.Stored {
		m.fleet.Look(o.Path.Peer)
	}
}

// paths stores what an application would report, and tells the fleet.
func (m *machine) paths(w *pathstore.Writer, cwnd resume.Bytes, peers ...netip.Addr) error {
	all := make([]resume.Path, len(peers))
	for i, peer := range peers {
		all[i] = resume.Path{
			Peer: peer, Cwnd: cwnd, RTT: 80 * time.Millisecond,
			Mode: resume.ModePolicy, Sharing: resume.SharingPolicy, Source: resume.SourceApplication,
		}
	}
	if _, err := w.PutAll(all); err != nil {
		return err
	}
	for _, peer := range peers {
		m.fleet.Look(peer)
	}
	return nil
}

// contents are all entries that the next connection can use.
func (m *machine) contents() (map[netip.Addr]resume.Bytes, error) {
	all := make(map[netip.Addr]resume.Bytes)
	for e, err := range m.store.Entries() {
		if err != nil {
			return nil, err
		}
		if e.State == pathstore.StateFree {
			all[e.Peer] = e.Cwnd
		}
	}
	return all, nil
}

func (m *machine) close() error {
	m.leave()
	m.stop()
	return errors.Join(m.store.Close(), os.RemoveAll(m.dir))
}

func until(most time.Duration, done func() bool) error {
	for end := time.Now().Add(most); !done(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("it did not happen in %v", most)
		}
	}
	return nil
}
