// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"

	"github.com/tcpresume/tcpresume/pkg/agent"
	"github.com/tcpresume/tcpresume/pkg/client"
	"github.com/tcpresume/tcpresume/pkg/fleet"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/pkg/resume"
)

// fleetConfig is what the configuration and the flag say; without a URL there is no fleet.
func (f agentFlags) fleetConfig(config agent.Config) (fleet.Config, error) {
	shared := fleet.DefaultConfig()
	if config.Fleet != nil {
		if err := config.Fleet.Decode(&shared); err != nil {
			return shared, err
		}
	}
	if f.fleet != "" {
		shared.URL = f.fleet
	}
	return shared, nil
}

// check looks at everything that the configuration and the flags name before
// anything is served, so that what is said to be right can start.
func (f agentFlags) check(config agent.Config) (fleet.Config, error) {
	shared, err := f.fleetConfig(config)
	if err != nil {
		return shared, err
	}
	errs := []error{shared.Check()}
	if shared.URL != "" && shared.Netns != "" {
		if _, err := loader.NetnsCookie(shared.Netns); err != nil {
			errs = append(errs, fmt.Errorf("fleet: netns: %w", err))
		}
	}
	if f.metrics != "" {
		if _, err := net.ResolveTCPAddr("tcp", f.metrics); err != nil {
			errs = append(errs, fmt.Errorf("--metrics: %w; give ADDRESS:PORT as in 127.0.0.1:9959", err))
		}
	}
	return shared, errors.Join(errs...)
}

// join makes this machine a part of the fleet, if there is one. That no server
// answers is no error: the machine goes on alone until one does. Until leave
// returns, the store is in use.
func (f agentFlags) join(ctx context.Context, cancel context.CancelCauseFunc, store *pathstore.Store, config agent.Config, stored func(resume.Path), log func(string, ...any)) (part *fleet.Fleet, leave func(), err error) {
	leave = func() {}
	shared, err := f.fleetConfig(config)
	if err != nil || shared.URL == "" {
		return nil, leave, err
	}
	netns, err := loader.NetnsCookie(cmp.Or(shared.Netns, "/proc/self/ns/net"))
	if err != nil && shared.Netns != "" {
		return nil, leave, fmt.Errorf("fleet: netns: %w", err)
	}
	part, err = fleet.New(fleet.Options{Config: shared, Maps: store.Writer(), Netns: netns, Log: log, Stored: stored})
	if err != nil {
		return nil, leave, err
	}
	ctx, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := part.Run(ctx); err != nil {
			cancel(err)
		}
	}()
	return part, func() { stop(); <-done }, nil
}

// share lets the fleet see what the agent sees, while this machine is in it.
func (s *service) share(opts *agent.Options) {
	opts.Observers = append(opts.Observers, sharedReports{s})
	opts.Fleet = func() any {
		if part := s.part.Load(); part != nil {
			return part.Status()
		}
		return nil
	}
	opts.Delete = func(peer peerAddr, scope uint64) error {
		err := s.maps.delete(peer, scope)
		if scope == resume.ScopeToken { // a secret of this machine and its client, no peer of others
			return err
		}
		if part := s.part.Load(); part != nil && (err == nil || errors.Is(err, pathstore.ErrNotFound)) { // others may have it
			part.Deleted(peer)
			return nil
		}
		return err
	}
	measure := opts.OnEvent
	opts.OnEvent = func(e pathstore.Event) {
		measure(e)
		if part := s.part.Load(); part != nil {
			part.Event(e)
		}
	}
}

// fleetFindings are of the servers; without a URL there are none.
func fleetFindings(ctx context.Context, config fleet.Config) []loader.Finding {
	if config.URL == "" {
		return nil
	}
	var all []loader.Finding
	for _, f := range fleet.Diagnose(ctx, config) {
		status := loader.Problem
		switch {
		case f.OK && f.Warn:
			status = loader.Warning
		case f.OK:
			status = loader.OK
		}
		all = append(all, loader.Finding{Check: f.Check, Status: status, Detail: f.Detail, Remedy: f.Remedy})
	}
	return all
}

type sharedReports struct{ *service }

func (s sharedReports) Reported(o agent.Outcome) {
	if part := s.part.Load(); part != nil && o.Result == agent.Stored {
		part.Look(o.Path.Peer)
	}
}

// deletePath removes an entry here and, where the agent of these maps is in a
// fleet, everywhere.
func (g *global) deletePath(ctx context.Context, t target) error {
	ctx, cancel := context.WithTimeout(ctx, reportPatience)
	defer cancel()
	if t.scope == resume.ScopeToken { // a secret of this machine, which no request and no fleet is to hear of
		return t.Delete(t.peer, t.scope)
	}
	if s, _ := g.agentStatus(ctx, t.Store); s == nil || s.Fleet == nil {
		return t.Delete(t.peer, t.scope)
	}
	err := client.Delete(ctx, g.socketDir(), fmt.Sprintf("/v1/paths/%s?netns_cookie=%d", t.peer, t.scope))
	var refused *client.Refused
	if errors.As(err, &refused) { // this user may write the maps, not speak for the machine
		return errors.Join(t.Delete(t.peer, t.scope), fmt.Errorf("deleted here only: %w", err))
	}
	return err
}
