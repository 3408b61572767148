// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// Phase is a change of phase that the kernel told of.
type Phase struct {
	At      time.Duration // since the trial began
	Name    string        // the phase that began
	Trigger string        // why, in RFC 9959's words where it has one
}

// watch collects the phases from now until the returned function is called.
func (b *Bed) watch() func() []Phase {
	ctx, stop := context.WithCancel(context.Background())
	began := time.Now()
	var phases []Phase
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = b.Rig.Store.Watch(ctx, func(e pathstore.Event) error {
			if e.Kind == "phase" {
				phases = append(phases, Phase{At: e.At.Sub(began), Name: e.Phase, Trigger: e.Trigger})
			}
			return nil
		})
	}()
	return func() []Phase {
		stop()
		<-done
		return phases
	}
}
