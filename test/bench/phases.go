// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// Phase is a change of phase that the kernel told of.
type Phase struct {
	At      time.Duration // since just before the client's connect
	Name    string        // the phase that began
	Trigger string        // why, in RFC 9959's words where it has one
}

// watch collects the changes of phase from now until the returned function is
// called with the moment of the client's connect.
func (b *Bed) watch() func(connect time.Time) []Phase {
	ctx, stop := context.WithCancel(context.Background())
	var events []pathstore.Event
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.Rig.Store.Watch(ctx, func(e pathstore.Event) error {
			if e.Kind == "phase" {
				events = append(events, e)
			}
			return nil
		})
	}()
	return func(connect time.Time) []Phase {
		stop()
		<-done
		var phases []Phase
		for _, e := range events {
			phases = append(phases, Phase{At: e.At.Sub(connect), Name: e.Phase, Trigger: e.Trigger})
		}
		return phases
	}
}
