// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tcpresume/tcpresume/pkg/loader"
)

// followEvery is how long a new generation may go unnoticed where no Notifier tells of it.
const followEvery = 2 * time.Second

// Follower keeps tcpresume on what bpfman has loaded.
type Follower struct {
	Place    loader.Options
	Options  Options
	OnUnload OnUnload
	Tell     func(string) // words for a person about each change

	runtime *loader.Runtime // nil while taken down
	state   loader.State
	missing bool
	failed  string // the last failure, told once
}

// Run takes over the runtime and follows until ctx ends. What is in the kernel
// then stays, as it does when this process is killed.
func (f *Follower) Run(ctx context.Context, runtime *loader.Runtime) error {
	f.runtime, f.state = runtime, runtime.State()
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
		if err := f.look(ctx); err != nil && ctx.Err() == nil && err.Error() != f.failed {
			f.failed = err.Error()
			f.Tell(f.failed)
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
	if errors.Is(err, ErrNothing) {
		return f.gone(ctx)
	}
	if err != nil {
		return err
	}
	defer found.Close()
	if f.runtime != nil && stillLoaded(f.state, found) {
		f.missing, f.failed = false, ""
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
	f.state, f.missing, f.failed = f.runtime.State(), false, ""
	f.Tell(fmt.Sprintf("moved to bpfman's program %d (%s mode)", found.Origin.Program, found.Mode))
	for _, note := range f.runtime.Notes {
		f.Tell("note: " + note)
	}
	return nil
}

func (f *Follower) gone(ctx context.Context) error {
	if f.missing {
		return nil
	}
	f.missing = true
	if f.OnUnload != Down {
		f.Tell("bpfman has unloaded tcpresume: it goes on with what it holds, and moves when bpfman loads it again")
		return nil
	}
	f.runtime.Close()
	f.runtime = nil
	removal, err := loader.Down(ctx, f.Place)
	if err := ignoreNotLoaded(err); err != nil {
		return err
	}
	f.Tell(fmt.Sprintf("bpfman has unloaded tcpresume: taken down as asked, %d sockets given back; it comes up when bpfman loads it again", removal.HandedBack))
	return nil
}
