// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"context"
	"errors"
)

// Claim is a program that somebody says bpfman has loaded. It is believed only
// once the kernel confirms it.
type Claim struct {
	ID      uint32 // kernel id of the program
	Name    string // of the program as the source knows it; empty: not known
	MapsDir string // where the source says its maps are pinned; empty: not known
}

// Source is one way of asking. It must not change anything.
type Source interface {
	// String completes "found by".
	String() string
	// Claims lists what is loaded on this node, in any order. ErrAbsent: there
	// is nobody to ask here, which is no failure.
	Claims(context.Context) ([]Claim, error)
}

// Notifier is a Source that knows when to ask again.
type Notifier interface {
	Source
	// Changed has something to receive after each change. It may also have when there was none.
	Changed() <-chan struct{}
}

// ErrAbsent is wrapped by a Source that this machine does not have.
var ErrAbsent = errors.New("not here")

// ErrUnsettled is wrapped by a Source that does not know, or knows that a change
// is under way: whoever else is asked would be a guess, and what runs stays.
var ErrUnsettled = errors.New("waiting")

// Options say where to look. The zero value looks at all the usual places.
type Options struct {
	ProgramID uint32   // this program and no other
	MapsDir   string   // these maps and no others
	Root      string   // bpfman's runtime directory; empty: DefaultRoot
	Socket    string   // of its gRPC; empty: DefaultSocket
	Command   string   // of the Go generation; empty: bpfman, found in PATH
	Sources   []Source // asked before the others, such as the operator's state objects

	often bool // asked again and again: starting a command each time is too much
}

// Where bpfman of both generations lives unless it is told otherwise.
const (
	DefaultRoot    = "/run/bpfman"
	DefaultSocket  = "/run/bpfman-sock/bpfman.sock"
	defaultCommand = "bpfman"
)

func (o Options) filled() Options {
	if o.Root == "" {
		o.Root = DefaultRoot
	}
	if o.Socket == "" {
		o.Socket = DefaultSocket
	}
	if o.Command == "" {
		o.Command = defaultCommand
	}
	return o
}

// sources are asked in this order until one knows a program that holds good.
func (o Options) sources() []Source {
	switch {
	case o.ProgramID != 0:
		return []Source{flagged{Claim{ID: o.ProgramID, MapsDir: o.MapsDir}}}
	case o.MapsDir != "":
		return []Source{flagged{Claim{MapsDir: o.MapsDir}}}
	}
	all := append(o.Sources[:len(o.Sources):len(o.Sources)], daemon{o.Socket})
	if !o.often || !onBPFFS(bpffs(o.Root)) {
		all = append(all, command{o.Command, o.Root})
	}
	return append(all, pins{o.Root})
}

// flagged is what a person named.
type flagged struct{ claim Claim }

func (flagged) String() string { return "the command line" }

func (f flagged) Claims(context.Context) ([]Claim, error) { return []Claim{f.claim}, nil }
