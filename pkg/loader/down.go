// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// Removal is what Down took away.
type Removal struct {
	Pins       string   `json:"pins"`
	HandedBack int      `json:"handed_back"` // sockets that got their own congestion control back
	Notes      []string `json:"notes,omitempty"`
}

// Down detaches the program, gives every socket its own congestion control
// back, unregisters ours and removes the pins. It goes on over what fails and
// reports it, so that running it again finishes the work.
func Down(ctx context.Context, opts Options) (Removal, error) {
	opts = opts.filled()
	gone := Removal{Pins: opts.Pins}
	held, err := acquire(opts.Pins)
	if errors.Is(err, fs.ErrNotExist) {
		err := fmt.Errorf("%w: nothing is pinned under %s", pathstore.ErrNotLoaded, opts.Pins)
		if held := heldElsewhere(opts); !held.nothing() {
			err = fmt.Errorf("%w; %s", err, held.explain(opts))
		}
		return gone, err
	}
	if err != nil {
		return gone, rights(err)
	}
	defer held.release()
	if err := ctx.Err(); err != nil {
		return gone, err
	}
	if !hasPins(opts.Pins) {
		if held := heldElsewhere(opts); !held.nothing() {
			gone.Notes = append(gone.Notes, held.explain(opts))
		}
	}
	// What lets connections in comes first: nothing may enter a wrapper while sockets leave them.
	doors, _ := filepath.Glob(linkPin(opts.Pins, "ask-*"))
	for _, pin := range append(doors, LiveLink(opts.Pins), linkPin(opts.Pins, sockopsLink)) {
		if err := unhook(pin); err != nil {
			return gone, rights(err)
		}
	}
	errs := []error{gone.giveBack(opts)}
	for _, name := range watchers {
		errs = append(errs, unhook(linkPin(opts.Pins, name)))
	}
	for _, w := range wrappers {
		errs = append(errs, w.remove(opts))
	}
	errs = append(errs, removePins(opts.Pins))
	return gone, errors.Join(errs...)
}

func (r *Removal) giveBack(opts Options) error {
	maps, err := pinnedMaps(opts)
	if err != nil {
		return err
	}
	defer maps.close()
	control, ok := maps[bytecode.KernelMapResumeControl]
	if !ok {
		return nil // an earlier Down got this far
	}
	if err := control.Put(uint32(0), &bytecode.KernelResumeControl{Build: bytecode.Build(), Draining: 1}); err != nil {
		return err
	}
	r.HandedBack, err = handback(maps)
	if note := outOfSight(); note != "" && err == nil {
		r.Notes = append(r.Notes, note)
	}
	if err != nil {
		r.Notes = append(r.Notes, "sockets that were not reached go back at their next ACK")
		return fmt.Errorf("giving sockets back: %w", rights(err))
	}
	return nil
}

func pinnedMaps(opts Options) (mapSet, error) {
	spec, err := bytecode.LoadKernel()
	if err != nil {
		return nil, err
	}
	maps := make(mapSet)
	for name := range spec.Maps {
		m, err := ebpf.LoadPinnedMap(filepath.Join(MapsDir(opts.Pins), name), nil)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			maps.close()
			return nil, fmt.Errorf("opening map %s: %w", name, rights(err))
		}
		maps[name] = m
	}
	return maps, nil
}

func (w wrapper) remove(opts Options) error {
	byLink := unhook(linkPin(opts.Pins, w.name))
	m, err := ebpf.LoadPinnedMap(wrapperPin(opts.Pins, w.name), nil)
	if errors.Is(err, fs.ErrNotExist) {
		return byLink
	}
	if err != nil {
		return errors.Join(byLink, err)
	}
	defer m.Close()
	if info, err := m.Info(); err == nil && info.Flags&bpfFLink == 0 {
		byLink = errors.Join(byLink, unregister(m))
	}
	return errors.Join(byLink, removeIfThere(wrapperPin(opts.Pins, w.name)))
}

func removePins(pins string) error {
	var errs []error
	maps, _ := filepath.Glob(filepath.Join(MapsDir(pins), "*"))
	for _, pin := range maps {
		errs = append(errs, removeIfThere(pin))
	}
	for _, room := range []string{filepath.Join(pins, originLink), MapsDir(pins), linkPin(pins, ""), wrapperPin(pins, ""), pins} {
		if err := os.Remove(room); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
