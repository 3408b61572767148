// SPDX-License-Identifier: Apache-2.0

package live

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/ask"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/revive"
	"github.com/tcpresume/tcpresume/test/lab"
)

// Connections come, send, ask, reset and close while passes and reports go on.
// Every byte arrives, and no claim outlives its connection.
func TestPassesWhileConnectionsComeAndGo(t *testing.T) {
	s := newStage(t, midPath)
	allow(t, carefully)
	var (
		stop   atomic.Bool
		passes sync.WaitGroup
		made   atomic.Int32
	)
	for range 2 {
		passes.Go(func() {
			for !stop.Load() {
				must(t, s.Server.Do(func() error {
					_, err := revive.Here(loader.LiveLink(loaded.Options.Pins))
					made.Add(1)
					return err
				}))
				s.put(t, s.bdp())
				time.Sleep(2 * time.Millisecond) // or the emulated path would get no processor
			}
		})
	}
	for round := range 8 {
		var all []*pair
		var waits []func(testing.TB)
		for i, cc := range controls {
			p := s.greeted(t, cc, lab.DialSpec{})
			all = append(all, p)
			if i == round%3 {
				_ = ask.Ask(p.server, s.state()) // any outcome will do
			}
		}
		if round%4 == 0 {
			s.idle(t, all...)
		}
		for _, p := range all {
			waits = append(waits, p.start(300_000))
		}
		if round%2 == 1 {
			abort(all[round%3].server)
			waits[round%3] = func(testing.TB) {}
		}
		for _, wait := range waits {
			wait(t)
		}
		for _, p := range all {
			abort(p.server)
			abort(p.client)
		}
	}
	stop.Store(true)
	passes.Wait()
	t.Logf("%d passes", made.Load())
	must(t, deleted(s.Client.IPv4))
	s.put(t, s.bdp())
	p := s.greeted(t, "cubic", lab.DialSpec{})
	p.send(t, 300_000)
	s.Events.change(t, p, "unvalidated")
	p.reset(t)
}
