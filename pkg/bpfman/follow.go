// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tcpresume/tcpresume/pkg/loader"
)

// reloadWithin is how soon an application that was taken away may come again
// without anything being taken down: who deletes and applies wants no end.
const reloadWithin = 5 * time.Second

// followEvery is how long a new generation may go unnoticed where no Notifier tells of it.
const followEvery = 2 * time.Second

// Follower keeps tcpresume on what bpfman has loaded.
type Follower struct {
	Place    loader.Options
	Options  Options
	OnUnload OnUnload
	Tell     func(string) // words for a person about each change
	Looked   func(error)  // after each look; nil: what bpfman has loaded is in use

	runtime *loader.Runtime // nil while taken down
	state   loader.State
	missing error     // why there is nothing; nil: there is
	gone    time.Time // when it was first seen to be gone; zero: it is not
	failed  string    // the last failure, told once
}

// Run takes over the runtime and follows until ctx ends. What is in the kernel
// then stays, as it does when this process is killed. Without a runtime it waits
// for bpfman to load.
func (f *Follower) Run(ctx context.Context, runtime *loader.Runtime) error {
	if f.runtime = runtime; runtime != nil {
		f.state = runtime.State()
	}
	f.Options.often = true
	defer func() {
		if f.runtime != nil {
			f.runtime.Close()
		}
	}()
	changed := f.changes(ctx)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-time.After(followEvery):
		}
		err := f.look(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && err.Error() != f.failed {
			f.failed = err.Error()
			f.Tell(f.failed)
		}
		if err == nil {
			err = f.missing
		}
		if f.Looked != nil {
			f.Looked(err)
		}
	}
}

// changes merges what all notifiers say.
func (f *Follower) changes(ctx context.Context) <-chan struct{} {
	merged := make(chan struct{})
	for _, source := range f.Options.Sources {
		notifier, ok := source.(Notifier)
		if !ok {
			continue
		}
		go func() {
			for {
				select {
				case <-ctx.Done():
					return
				case <-notifier.Changed():
				}
				select {
				case <-ctx.Done():
					return
				case merged <- struct{}{}:
				}
			}
		}()
	}
	return merged
}

func (f *Follower) look(ctx context.Context) error {
	found, err := Find(ctx, f.Options)
	if errors.Is(err, errUnasked) && f.OnUnload == Down {
		return err // no evidence to take anything down for
	}
	if errors.Is(err, ErrNothing) {
		return f.unloaded(ctx, err)
	}
	f.gone = time.Time{} // it is there, or on its way
	if err != nil {
		return err
	}
	defer found.Close()
	if f.runtime != nil && stillLoaded(f.state, found) {
		f.missing = nil
		if err := loader.Effective(f.Place); err != nil {
			return err
		}
		f.failed = ""
		return nil
	}
	place := f.Place
	place.Over = &found.Foundation
	if f.runtime == nil {
		f.runtime, err = loader.Up(ctx, place)
	} else {
		err = f.runtime.Move(ctx, place)
	}
	if err != nil {
		return fmt.Errorf("moving to bpfman's program %d: %w; what ran goes on", found.Origin.Program, err)
	}
	f.state, f.missing, f.failed = f.runtime.State(), nil, ""
	f.Tell(fmt.Sprintf("moved to bpfman's program %d (%s mode)", found.Origin.Program, found.Mode))
	for _, note := range f.runtime.Notes {
		f.Tell("note: " + note)
	}
	return nil
}

// unloaded answers that bpfman has nothing of ours any more, or nothing yet.
func (f *Follower) unloaded(ctx context.Context, why error) error {
	if f.missing != nil {
		f.missing = why
		return nil
	}
	origin, err := loader.ReadOrigin(f.Place.Pins)
	if err != nil {
		return err
	}
	switch {
	case f.runtime == nil && origin == nil: // what runs on maps of its own is none of bpfman's business
		f.Tell("bpfman has loaded nothing of tcpresume yet: waiting")
	case f.OnUnload != Down:
		f.Tell("bpfman has unloaded tcpresume: it goes on with what it holds, and moves when bpfman loads it again")
	case f.gone.IsZero():
		f.gone = time.Now()
		f.Tell(fmt.Sprintf("bpfman has unloaded tcpresume: it is taken down unless bpfman loads it again within %v", reloadWithin))
		return nil
	case time.Since(f.gone) < reloadWithin:
		return nil
	default:
		if err := f.takeDown(ctx); err != nil {
			return err
		}
		f.gone = time.Time{}
	}
	f.missing = why
	return nil
}

func (f *Follower) takeDown(ctx context.Context) error {
	if f.runtime != nil {
		f.runtime.Close()
		f.runtime = nil
	}
	removal, err := loader.Down(ctx, f.Place)
	if err := ignoreNotLoaded(err); err != nil {
		return err
	}
	f.Tell(fmt.Sprintf("bpfman has unloaded tcpresume: taken down as asked, %d sockets given back; it comes up when bpfman loads it again", removal.HandedBack))
	return nil
}
