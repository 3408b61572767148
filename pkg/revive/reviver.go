// SPDX-License-Identifier: Apache-2.0

package revive

import (
	"context"
	"time"

	"github.com/tcpresume/tcpresume/pkg/netns"
)

// What passes may cost unless a Reviver says otherwise.
const (
	DefaultInterval = 100 * time.Millisecond
	DefaultShare    = 0.05
)

// memory is how long the namespaces of the host are taken to be the same:
// looking for them costs more than a pass over few sockets.
const memory = 5 * time.Second

// Reviver makes passes when paths were stored. The first report after a quiet
// time is served at once, because its client may already be asking again over
// the connection that it has; while reports go on, one pass serves many.
type Reviver struct {
	Pin      string              // loader.LiveLink
	Interval time.Duration       // at least between two passes; 0: DefaultInterval
	Share    float64             // of one processor's time, at most; 0: DefaultShare
	Each     func(Result, error) // is told of every pass; may be nil

	stored chan struct{}
	places []netns.Place
	found  time.Time
}

// New makes a Reviver, whose fields may be set before Run.
func New(pin string) *Reviver {
	return &Reviver{Pin: pin, stored: make(chan struct{}, 1)}
}

// Stored says that a path was stored. It never blocks and may be called from any goroutine.
func (r *Reviver) Stored() {
	select {
	case r.stored <- struct{}{}:
	default: // the pass that is due will find this one too
	}
}

// Run makes the passes until ctx ends, whose error it returns.
func (r *Reviver) Run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-r.stored:
		}
		result, err := r.pass(ctx)
		if r.Each != nil && ctx.Err() == nil {
			r.Each(result, err)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(r.rest(result.CPU)):
		}
	}
}

func (r *Reviver) pass(ctx context.Context) (Result, error) {
	if now := time.Now(); now.Sub(r.found) > memory {
		places, err := netns.Find()
		if err != nil {
			return Result{}, err
		}
		r.places, r.found = places, now
	}
	return pass(ctx, r.Pin, r.places)
}

// rest keeps a pass's processor time below the share of the time until the next.
func (r *Reviver) rest(took time.Duration) time.Duration {
	share, interval := r.Share, r.Interval
	if share <= 0 || share > 1 {
		share = DefaultShare
	}
	if interval <= 0 {
		interval = DefaultInterval
	}
	return max(interval, time.Duration(float64(took)/share)-took)
}
