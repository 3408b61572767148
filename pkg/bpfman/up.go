// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"context"
	"errors"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// Up finds what bpfman has loaded and makes tcpresume run on it. What runs
// already, on maps of its own or on another generation, moves over with all it has stored.
func Up(ctx context.Context, place loader.Options, opts Options) (*loader.Runtime, error) {
	found, err := Find(ctx, opts)
	if err != nil {
		return nil, err
	}
	defer found.Close()
	place.Over = &found.Foundation
	runtime, err := loader.Up(ctx, place)
	if err != nil {
		return nil, err
	}
	runtime.Notes = append(runtime.Notes, found.Notes...)
	return runtime, nil
}

// Loaded tells whether Up would find something, without opening more than it must.
func Loaded(ctx context.Context, opts Options) (bool, error) {
	found, err := Find(ctx, opts)
	if errors.Is(err, ErrNothing) {
		return false, nil
	}
	found.Close()
	return err == nil, err
}

// OnUnload is what Follow does when bpfman unloads what runs.
type OnUnload string

// Keep goes on with the programs and maps that tcpresume holds, so that no
// connection and no stored path notices; Down takes everything away.
const (
	Keep OnUnload = "keep"
	Down OnUnload = "down"
)

func stillLoaded(state loader.State, found *Generation) bool {
	return state.Origin != nil && state.Origin.Program == found.Origin.Program && sameMaps(state.Pins, found.Maps) == nil
}

func ignoreNotLoaded(err error) error {
	if errors.Is(err, pathstore.ErrNotLoaded) {
		return nil
	}
	return err
}
