// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/internal/sandbox"
	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/hostaddr"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/metrics"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

type peerAddr = netip.Addr

// mapsCheck is how often the agent looks whether its maps are still the pinned ones.
const mapsCheck = 2 * time.Second

// errReplaced says that other maps are pinned where the agent's own were.
var errReplaced = errors.New("other maps are pinned now")

// serve is "agent", and "up --agent" after loading. Maps that replace its own, as
// when bpfman has loaded anew, are taken up.
func (g *global) serve(cmd *cobra.Command, config agent.Config, f agentFlags) error {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP) // also between two maps, where it would end the process
	defer signal.Stop(again)
	defer notify("STOPPING=1")
	for {
		store, err := g.open()
		if err != nil {
			return err
		}
		err = g.serveMaps(cmd, store, config, f, again)
		store.Close()
		if !errors.Is(err, errReplaced) {
			return err
		}
		fmt.Fprintln(cmd.ErrOrStderr(), err)
		if fresh, err := f.read(); err == nil { // it may have been read again since the start
			config = fresh
		}
	}
}

func (g *global) serveMaps(cmd *cobra.Command, store *pathstore.Store, config agent.Config, f agentFlags, again <-chan os.Signal) error {
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	log := func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...) }

	events, err := store.EventsID()
	if err != nil {
		return err
	}
	ready := g.ready
	source := &measured{store: store, ready: ready}
	set := metrics.New(source, thisVersion().Version)
	idle := g.reviver(log)
	part, leave, err := f.join(ctx, cancel, store, config, func(p resume.Path) {
		set.Saved(resume.SourceFleet, p.Cwnd)
		idle.Stored()
	}, log)
	if err != nil {
		return input(err)
	}
	defer leave()
	source.fleet = part
	addresses := hostaddr.New(nodeAddresses()...)
	defer addresses.Close()
	notes := func() []string { return confinement(addresses) }
	for _, note := range notes() {
		log("note: %s", note)
	}
	opts := agent.Options{
		Ours: addresses.Has, Notes: notes,
		Config: config, Paths: store.Writer(), Observers: []agent.Observer{savedWindows{set}, idle},
		Entry: shownEntry(store), Events: store.Watch, EventsID: events,
		Metrics: set.Handler(), OnEvent: restoredWindows(set), Version: thisVersion().Version, Ready: ready,
	}
	share(&opts, source.fleet, store)
	a := agent.New(opts)
	source.agent = a
	sockets, err := agent.Listen(g.socketDir(), config.Group)
	if err != nil {
		return err
	}
	if f.metrics != "" {
		listener, err := net.Listen("tcp", f.metrics)
		if err != nil {
			return errors.Join(input(fmt.Errorf("--metrics: %w", sandbox.Network(err))), sockets.Close())
		}
		go func() {
			if err := a.Public(ctx, listener); err != nil {
				cancel(err)
			}
		}()
	}
	if n := sockets.Queue(); n < agent.GoodQueue {
		log("note: only %d reports may wait while this process is busy, then senders drop theirs: sysctl net.unix.max_dgram_qlen=%d before the start", n, agent.GoodQueue)
	}
	go watchMaps(ctx, cancel, g.mapsDir(), events)
	go watchKernel(ctx, ready, log)
	go reload(ctx, a, source.fleet, f, again, log)
	go keepAlive(ctx, a)
	go idle.Run(ctx)
	notify("READY=1")
	serving := map[string]string{"socket_dir": g.socketDir()}
	if err := g.print(cmd, serving, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "taking reports in %s\n", g.socketDir())
		return err
	}); err != nil {
		cancel(err)
	}
	err = a.Serve(ctx, sockets)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(err, cause) {
		err = errors.Join(cause, err)
	}
	return err
}

// watchMaps ends serving when the maps are gone: what would be written no connection would find.
func watchMaps(ctx context.Context, cancel context.CancelCauseFunc, dir string, events uint32) {
	for range ticks(ctx, mapsCheck) {
		now, err := pathstore.PinnedEventsID(dir)
		if err == nil && now != events {
			err = fmt.Errorf("%w in %s: reports go there", errReplaced, dir)
		}
		if err != nil {
			cancel(err)
			return
		}
	}
}

// ready says why connections start cold, as far as it can be seen from here.
func (g *global) ready() error {
	if g.mapsDir() != loader.MapsDir(g.pinsDir()) {
		return nil // the pins may be another's
	}
	return loader.Effective(g.options())
}

// watchKernel tells when the kernel part stops doing anything, and when it is back.
func watchKernel(ctx context.Context, ready func() error, log func(string, ...any)) {
	said := ""
	for range ticks(ctx, mapsCheck) {
		words := ""
		if err := ready(); err != nil {
			words = errorLine(err)
		}
		switch {
		case words == said:
		case words == "":
			log("the kernel part works again")
		default:
			log("%s", words)
		}
		said = words
	}
}

// ticks yields at each tick until ctx ends.
func ticks(ctx context.Context, every time.Duration) func(func(time.Time) bool) {
	return func(yield func(time.Time) bool) {
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case t := <-ticker.C:
				if !yield(t) {
					return
				}
			}
		}
	}
}

// reload reads the configuration again at SIGHUP; a wrong one changes nothing.
func reload(ctx context.Context, a *agent.Agent, part *fleet.Fleet, f agentFlags, again <-chan os.Signal, log func(string, ...any)) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
		}
		config, err := f.read()
		var shared fleet.Config
		if err == nil {
			shared, err = f.check(config)
		}
		if err != nil {
			log("the configuration stays as it was: %s", errorLine(err))
			continue
		}
		a.Reload(config)
		switch {
		case part != nil:
			part.Reload(shared)
		case shared.URL != "":
			log("note: the fleet is joined after a new start only: restart the agent")
		}
		log("the configuration was read again: %s beside root", plural(len(config.Callers), "caller", "callers"))
	}
}

// savedWindows gives the sizes of what was stored to the metrics.
type savedWindows struct{ set *metrics.Set }

func (s savedWindows) Reported(o agent.Outcome) {
	if o.Result == agent.Stored {
		s.set.Saved(resume.SourceApplication, o.Path.Cwnd)
	}
}

func restoredWindows(set *metrics.Set) func(pathstore.Event) {
	return func(e pathstore.Event) {
		switch {
		case e.Kind == "resumed" && e.Mode == resume.ModeExact:
			set.Restored(e.Mode, uint64(e.SavedCwnd))
		case e.Kind == "phase" && e.Phase == "unvalidated":
			set.Restored(e.Mode, uint64(e.Jump))
		}
	}
}

// measured is what the metrics are read from.
type measured struct {
	store *pathstore.Store
	agent *agent.Agent
	fleet *fleet.Fleet // nil: there is none
	ready func() error
}

func (m *measured) Snapshot() (metrics.Snapshot, error) {
	status := m.agent.Status()
	now := metrics.Snapshot{Peers: status.Peers, Queue: status.Queue}
	for _, c := range status.Reports {
		now.Reports = append(now.Reports, metrics.Reports{UID: c.UID, Result: string(c.Result), Reason: c.Reason, Value: c.Reports})
	}
	now.Fleet = measuredFleet(m.fleet)
	counters, err := m.store.Counters()
	err = errors.Join(err, m.ready())
	for _, c := range counters {
		now.Kernel = append(now.Kernel, metrics.Counter{Name: c.Name, Trigger: c.Trigger, WayOut: c.WayOut, Value: c.Value})
	}
	return now, err
}
