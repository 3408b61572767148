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

// serve is "agent", and "up --agent" after loading.
func (g *global) serve(cmd *cobra.Command, config agent.Config, f agentFlags) error {
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)
	defer notify("STOPPING=1")
	ctx, cancel := context.WithCancelCause(cmd.Context())
	defer cancel(nil)
	log := func(format string, args ...any) { fmt.Fprintf(cmd.ErrOrStderr(), format+"\n", args...) }
	addresses := hostaddr.New(nodeAddresses()...)
	defer addresses.Close()

	s, err := g.newService(cancel, config, f, addresses, log)
	if err != nil {
		return err
	}
	if err := s.adoptFirst(ctx); err != nil {
		return err
	}
	defer s.release()
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
			if err := s.agent.Public(ctx, listener); err != nil {
				cancel(err)
			}
		}()
	}
	if note := queueNote(sockets.Queue()); note != "" {
		s.queue.Store(&note)
		log("note: %s", note)
	}
	go watchKernel(ctx, s.ready, log)
	go s.reload(ctx, again)
	go keepAlive(ctx, s.agent)
	go s.idle.Run(ctx)
	notify("READY=1")
	serving := map[string]string{"socket_dir": g.socketDir()}
	if err := g.print(cmd, serving, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "taking reports in %s\n", g.socketDir())
		return err
	}); err != nil {
		cancel(err)
	}
	err = s.agent.Serve(ctx, sockets)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) && !errors.Is(err, cause) {
		err = errors.Join(cause, err)
	}
	return err
}

// ready says why connections start cold, as far as it can be seen from here.
func (g *global) ready() error {
	if g.mapsDir() != loader.MapsDir(g.pinsDir()) {
		return nil // the pins may be another's
	}
	return loader.Effective(g.options())
}

// watchKernel tells when the kernel part does nothing, or is waited for, and when it works.
func watchKernel(ctx context.Context, ready func() error, log func(string, ...any)) {
	said := ""
	look := func() {
		words := ""
		if err := ready(); err != nil {
			words = errorLine(err)
		}
		switch {
		case words == said:
		case words == "":
			log("the kernel part works")
		default:
			log("%s", words)
		}
		said = words
	}
	look()
	for range ticks(ctx, mapsCheck) {
		look()
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
