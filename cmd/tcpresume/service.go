// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync/atomic"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/hostaddr"
	"github.com/tcpresume/tcpresume/pkg/metrics"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// service is an agent with all that it needs, over the maps that are pinned: it
// waits for them, takes up others that are pinned in their place, and waits again
// once they are gone. Its sockets stay.
type service struct {
	*global
	flags  agentFlags
	cancel context.CancelCauseFunc
	log    func(format string, args ...any)
	config atomic.Pointer[agent.Config] // as it was read last
	shares bool                         // there is a fleet

	maps  current
	store *pathstore.Store // what maps holds, to be closed; one goroutine's
	leave func()           // the fleet
	part  atomic.Pointer[fleet.Fleet]
	queue atomic.Pointer[string] // what is to be said of the report socket's

	set   *metrics.Set
	idle  revived
	agent *agent.Agent
}

func (g *global) newService(cancel context.CancelCauseFunc, config agent.Config, f agentFlags, addresses *hostaddr.Addresses, log func(string, ...any)) (*service, error) {
	shared, err := f.fleetConfig(config)
	if err != nil {
		return nil, input(err)
	}
	s := &service{
		global: g, flags: f, cancel: cancel, log: log, shares: shared.URL != "",
		maps: current{dir: g.mapsDir()}, leave: func() {}, idle: g.reviver(log),
	}
	s.config.Store(&config)
	s.set = metrics.New(s, thisVersion().Version)
	notes := func() []string {
		notes := confinement(addresses)
		if short := s.queue.Load(); short != nil {
			notes = append(notes, *short)
		}
		return notes
	}
	for _, note := range notes() {
		log("note: %s", note)
	}
	opts := agent.Options{
		Ours: addresses.Has, Notes: notes,
		Config: config, Paths: &writer{current: &s.maps}, Observers: []agent.Observer{savedWindows{s.set}, s.idle},
		Entry: s.maps.entry, Events: s.follow, EventsID: s.maps.eventsID,
		Metrics: s.set.Handler(), OnEvent: restoredWindows(s.set), Version: thisVersion().Version, Ready: s.ready,
	}
	if s.shares {
		s.share(&opts)
	}
	s.agent = agent.New(opts)
	return s, nil
}

// ready says why reports are of no use now.
func (s *service) ready() error {
	if err := s.maps.use(func(*pathstore.Store) error { return nil }); err != nil {
		return err
	}
	return s.global.ready()
}

// adoptFirst takes up the maps that are there before anything is served. Maps
// that are not there are waited for, others than the right ones are not.
func (s *service) adoptFirst(ctx context.Context) error {
	store, err := s.open()
	if errors.Is(err, pathstore.ErrNotLoaded) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.adopt(ctx, store)
}

// adopt makes reports go into these maps, which nothing is known of yet.
func (s *service) adopt(ctx context.Context, store *pathstore.Store) error {
	s.agent.Forget()
	s.store = store
	s.maps.hold(store)
	if !s.shares {
		return nil
	}
	part, leave, err := s.flags.join(ctx, s.cancel, store, *s.config.Load(), func(p resume.Path) {
		s.set.Saved(resume.SourceFleet, p.Cwnd)
		s.idle.Stored()
	}, s.log)
	if err != nil {
		s.release()
		return input(err)
	}
	s.leave = leave
	s.part.Store(part)
	return nil
}

// release lets go of the maps, if there are any.
func (s *service) release() {
	s.part.Store(nil)
	s.maps.hold(nil)
	s.leave()
	if s.leave = func() {}; s.store != nil {
		s.store.Close()
		s.store = nil
	}
}

// follow yields the events of the maps that are pinned, whichever they are, until
// ctx ends; those that are in use then stay so for the reports that are on the way.
func (s *service) follow(ctx context.Context, each func(pathstore.Event) error) error {
	for {
		if s.store != nil {
			err := s.watch(ctx, each)
			if ctx.Err() != nil {
				return nil
			}
			if !errors.Is(err, errReplaced) && !errors.Is(err, pathstore.ErrNotLoaded) {
				return err
			}
			if errors.Is(err, errReplaced) {
				s.log("%s", errorLine(err))
			}
			s.release()
		}
		store, err := s.open()
		switch {
		case err == nil:
			if err := s.adopt(ctx, store); err != nil {
				return err
			}
		case !errors.Is(err, pathstore.ErrNotLoaded):
			return err
		default:
			for range ticks(ctx, mapsCheck) {
				break
			}
			if ctx.Err() != nil {
				return nil
			}
		}
	}
}

// watch yields the events of the maps in use until they are no longer the pinned ones.
func (s *service) watch(ctx context.Context, each func(pathstore.Event) error) error {
	id, err := s.store.EventsID()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go watchMaps(ctx, cancel, s.mapsDir(), id)
	err = s.store.Watch(ctx, each)
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

// watchMaps ends the use of maps that are no longer pinned: what would be written
// no connection would find.
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

// reload reads the configuration again at SIGHUP; a wrong one changes nothing.
func (s *service) reload(ctx context.Context, again <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-again:
		}
		config, err := s.flags.read()
		var shared fleet.Config
		if err == nil {
			shared, err = s.flags.check(config)
		}
		if err != nil {
			s.log("the configuration stays as it was: %s", errorLine(err))
			continue
		}
		s.config.Store(&config)
		s.agent.Reload(config)
		if part := s.part.Load(); part != nil {
			part.Reload(shared)
		}
		if !s.shares && shared.URL != "" {
			s.log("note: the fleet is joined after a new start only: restart the agent")
		}
		s.log("the configuration was read again: %s beside root", plural(len(config.Callers), "caller", "callers"))
	}
}

// Snapshot is what the metrics are read from.
func (s *service) Snapshot() (metrics.Snapshot, error) {
	status := s.agent.Status()
	now := metrics.Snapshot{Peers: status.Peers, Queue: status.Queue}
	for _, c := range status.Reports {
		now.Reports = append(now.Reports, metrics.Reports{UID: c.UID, Result: string(c.Result), Reason: c.Reason, Value: c.Reports})
	}
	now.Fleet = measuredFleet(s.part.Load())
	err := s.maps.use(func(store *pathstore.Store) error {
		counters, err := store.Counters()
		for _, c := range counters {
			now.Kernel = append(now.Kernel, metrics.Counter{Name: c.Name, Trigger: c.Trigger, WayOut: c.WayOut, Value: c.Value})
		}
		return err
	})
	return now, errors.Join(err, s.ready())
}
