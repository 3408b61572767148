// SPDX-License-Identifier: Apache-2.0

package revive

import (
	"context"
	"errors"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

func TestRest(t *testing.T) {
	for _, c := range []struct {
		r          Reviver
		took, want time.Duration
	}{
		{Reviver{}, time.Millisecond, DefaultInterval},
		{Reviver{}, 20 * time.Millisecond, 380 * time.Millisecond},
		{Reviver{Share: 0.5, Interval: time.Second}, 20 * time.Millisecond, time.Second},
		{Reviver{Share: 0.1}, time.Second, 9 * time.Second},
		{Reviver{Share: 7}, time.Second, 19 * time.Second},
	} {
		if got := c.r.rest(c.took); got.Round(time.Microsecond) != c.want {
			t.Errorf("%+v rests %v after %v, want %v", c.r, got, c.took, c.want)
		}
	}
}

// However many paths are stored meanwhile, one pass serves them, and none is forgotten.
func TestPassesAreBatched(t *testing.T) {
	r := New(filepath.Join(t.TempDir(), "missing"))
	r.Interval = time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	var passes atomic.Int32
	entered, leave := make(chan struct{}), make(chan struct{})
	r.Each = func(_ Result, err error) {
		if !errors.Is(err, pathstore.ErrNotLoaded) {
			t.Errorf("got %v, want %v", err, pathstore.ErrNotLoaded)
		}
		passes.Add(1)
		entered <- struct{}{}
		<-leave
	}
	done := make(chan error)
	go func() { done <- r.Run(ctx) }()
	r.Stored()
	<-entered
	for range 1000 {
		r.Stored()
	}
	leave <- struct{}{}
	<-entered
	cancel()
	leave <- struct{}{}
	if err := <-done; !errors.Is(err, context.Canceled) || passes.Load() != 2 {
		t.Errorf("%v after %d passes, want %v after 2", err, passes.Load(), context.Canceled)
	}
}
