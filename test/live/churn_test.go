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
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/scene"
)

// Connections come, send, ask, reset and close while passes and reports go on.
// Every byte arrives, and no claim outlives its connection.
func TestPassesWhileConnectionsComeAndGo(t *testing.T) {
	s := newStage(t, scene.MidPath)
	allow(t, carefully)
	var (
		stop   atomic.Bool
		passes sync.WaitGroup
		made   atomic.Int32
	)
	for range 2 {
		passes.Go(func() {
			for !stop.Load() {
				check.Must(t, s.Server.Do(func() error {
					_, err := revive.Here(loader.LiveLink(loaded.Options.Pins))
					made.Add(1)
					return err
				}))
				s.Put(t, s.BDP())
				time.Sleep(2 * time.Millisecond) // or the emulated path would get no processor
			}
		})
	}
	for round := range 8 {
		var all []*scene.Pair
		var waits []func(testing.TB)
		for i, cc := range scene.Controls {
			p := s.Greeted(t, cc, lab.DialSpec{})
			all = append(all, p)
			if i == round%3 {
				_ = ask.Ask(p.Server, s.state()) // any outcome will do
			}
		}
		if round%4 == 0 {
			s.idle(t, all...)
		}
		for _, p := range all {
			waits = append(waits, p.Start(300_000))
		}
		if round%2 == 1 {
			scene.Abort(all[round%3].Server)
			waits[round%3] = func(testing.TB) {}
		}
		for _, wait := range waits {
			wait(t)
		}
		for _, p := range all {
			scene.Abort(p.Server)
			scene.Abort(p.Client)
		}
	}
	stop.Store(true)
	passes.Wait()
	t.Logf("%d passes", made.Load())
	check.Must(t, s.Forget(s.Client.IPv4))
	s.Put(t, s.BDP())
	p := s.Greeted(t, "cubic", lab.DialSpec{})
	p.Send(t, 300_000)
	s.Events.Change(t, p, "unvalidated")
	p.Reset(t)
}
