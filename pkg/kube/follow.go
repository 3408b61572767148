// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// Follow delivers what the operator says of the target: at once, and whenever
// that changes, until ctx ends and the channel is closed. Who is slow to
// receive gets the latest state only. Nothing is delivered while the API server
// cannot be asked: what is loaded stays loaded. Such errors go to notice,
// one line for each try that failed; nil discards them.
func (c *Client) Follow(ctx context.Context, target Target, notice func(error)) <-chan State {
	if notice == nil {
		notice = func(error) {}
	}
	seen, latest := make(chan State), make(chan State)
	go conflate(seen, latest)
	go func() {
		defer close(seen)
		f := follower{client: c, target: target, wait: backoff{timing: c.timing}, deliver: func(s State) { seen <- s }}
		for ctx.Err() == nil {
			if err := f.round(ctx); err != nil && ctx.Err() == nil {
				notice(err)
				f.wait.pause(ctx)
			}
		}
	}()
	return latest
}

// conflate passes on the latest value only, and never blocks who sends.
func conflate(in <-chan State, out chan<- State) {
	defer close(out)
	var (
		latest State
		ready  chan<- State
	)
	for {
		select {
		case s, ok := <-in:
			if !ok {
				return
			}
			latest, ready = s, out
		case ready <- latest:
			ready = nil
		}
	}
}

type follower struct {
	client  *Client
	target  Target
	deliver func(State)
	wait    backoff

	known     objects
	version   string // empty: list first
	delivered *State
}

// round lists if need be, and follows one watch to its end.
func (f *follower) round(ctx context.Context) error {
	if f.version == "" {
		all, version, err := f.client.list(ctx, f.target)
		if err != nil {
			return err
		}
		f.known, f.version = all, version
		f.tell()
	}
	// A server that neither sends nor ends the watch is not waited for.
	ctx, cancel := context.WithTimeout(ctx, f.client.timing.watch+f.client.timing.answer)
	defer cancel()
	body, err := f.client.watch(ctx, f.target, f.version)
	if err != nil {
		var no *Refused
		if errors.As(err, &no) && !no.overloaded() {
			f.version = "" // whatever it dislikes about the version, a list has a good one
		}
		return err
	}
	defer body.Close()
	opened := time.Now()
	if err := f.events(body); err != nil {
		return fmt.Errorf("watching %s: %w", f.target.path()[len(f.target.path())-1], err)
	}
	if lasted := time.Since(opened); lasted < f.client.timing.firstWait {
		return fmt.Errorf("the API server ended a watch after %s", lasted.Round(time.Millisecond))
	}
	return nil
}

// event is one line of a watch.
type event struct {
	Type   string          `json:"type"`
	Object json.RawMessage `json:"object"`
}

// events reads a watch until the server ends it, which is nothing bad.
func (f *follower) events(body io.Reader) error {
	limited := &io.LimitedReader{R: body}
	for decoder := json.NewDecoder(limited); ; {
		limited.N = maxAnswer // for each event, not for the stream
		var (
			e       event
			rubbish *json.SyntaxError
		)
		err := decoder.Decode(&e)
		if errors.Is(err, io.EOF) && limited.N > 0 {
			return nil
		}
		broken := err != nil && !errors.As(err, &rubbish) // the connection: the version is good
		if err == nil {
			err = f.apply(e)
		}
		if err != nil {
			if !broken {
				f.version = ""
			}
			return err
		}
		f.wait.reset() // a server that answers starts with quick tries again
	}
}

func (f *follower) apply(e event) error {
	if e.Type == "ERROR" {
		var said status
		if err := json.Unmarshal(e.Object, &said); err != nil {
			return fmt.Errorf("an error that is no status: %w", err)
		}
		return refused(said, f.target)
	}
	var o object
	if err := json.Unmarshal(e.Object, &o); err != nil {
		return fmt.Errorf("event %s: %w", e.Type, err)
	}
	switch e.Type {
	case "ADDED", "MODIFIED":
		f.known[o.Metadata.UID] = o
	case "DELETED":
		delete(f.known, o.Metadata.UID)
	case "BOOKMARK":
	default:
		return fmt.Errorf("event of unknown type %q", e.Type)
	}
	f.version = o.Metadata.ResourceVersion
	f.tell()
	return nil
}

// tell delivers what is known, unless it was delivered already.
func (f *follower) tell() {
	if now := f.known.state(); f.delivered == nil || !f.delivered.equal(now) {
		f.delivered = &now
		f.deliver(now)
	}
}
