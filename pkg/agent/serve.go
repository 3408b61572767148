// SPDX-License-Identifier: Apache-2.0

package agent

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

const stopPatience = 5 * time.Second

// Serve answers on the sockets until ctx ends, then takes what has arrived
// already, finishes the requests at hand and removes the sockets.
func (a *Agent) Serve(ctx context.Context, s *Sockets) error {
	a.queue.Store(int32(s.queue))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	done := make(chan struct{}, 3)
	start := func(what func() error) {
		go func() {
			defer func() { done <- struct{}{} }()
			if err := what(); err != nil {
				cancel(err)
			}
		}()
	}
	server := a.server(ctx)
	start(func() error { return a.serveReports(s.reports) })
	start(func() error {
		if err := server.Serve(newListener(s.api)); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	start(func() error { return a.readEvents(ctx) })

	<-ctx.Done()
	stopping, stop := context.WithTimeout(context.Background(), stopPatience)
	defer stop()
	errs := []error{s.hide(), s.reports.SetReadDeadline(time.Now())}
	if err := server.Shutdown(stopping); errors.Is(err, context.DeadlineExceeded) {
		errs = append(errs, server.Close())
	}
	for range cap(done) {
		<-done
	}
	errs = append(errs, s.Close())
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		errs = append(errs, cause)
	}
	return errors.Join(errs...)
}

// readEvents is the one reader of the kernel's ring; "watch" asks the agent.
func (a *Agent) readEvents(ctx context.Context) error {
	if a.opts.Events == nil {
		return nil
	}
	err := a.opts.Events(ctx, func(e pathstore.Event) error {
		if a.opts.OnEvent != nil {
			a.opts.OnEvent(e)
		}
		a.hub.kernel(e)
		return nil
	})
	if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
