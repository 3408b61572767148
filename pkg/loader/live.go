// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"

	"github.com/tcpresume/tcpresume/bytecode"
)

const liveLink = "live"

// LiveLink is the pin that makes a pass over the live connections of the
// reader's network namespace whenever it is opened and read to its end.
func LiveLink(pins string) string { return linkPin(Options{Pins: pins}.filled().Pins, liveLink) }

// loadLive pins the iterator over live connections, or replaces the program of the pinned one.
func (r *Runtime) loadLive(maps mapSet, cgroup string, opts Options, undone *undo) error {
	prog, err := liveProgram(maps, cgroup)
	if isRights(err) {
		return err
	}
	if err != nil {
		r.note(fmt.Sprintf("stored paths wait for new connections, idle ones are not reached: %v", err))
		return nil
	}
	defer prog.Close()
	pin := linkPin(opts.Pins, liveLink)
	switch l, err := link.LoadPinnedLink(pin, nil); {
	case err == nil:
		defer l.Close()
		return replaceProgram(pin, l, prog, undone)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("opening link %s: %w", pin, rights(err))
	}
	l, err := link.AttachIter(link.IterOptions{Program: prog})
	if err != nil {
		return fmt.Errorf("attaching the iterator over live connections: %w", rights(err))
	}
	defer l.Close()
	if err := l.Pin(pin); err != nil {
		return fmt.Errorf("pinning the iterator over live connections: %w", err)
	}
	undone.add(func() error { return removeIfThere(pin) })
	return nil
}

func liveProgram(maps mapSet, cgroup string) (*ebpf.Program, error) {
	spec, err := bytecode.LoadLive()
	if err != nil {
		return nil, err
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: maps.shared(spec)})
	if err != nil {
		return nil, fmt.Errorf("loading the iterator over live connections: %w", verdict(err))
	}
	defer coll.Close()
	id, err := cgroupID(cgroup)
	if err != nil {
		return nil, err
	}
	if err := coll.Maps[bytecode.LiveMapResumeReach].Put(uint32(0), &bytecode.LiveResumeReach{CgroupId: id}); err != nil {
		return nil, fmt.Errorf("telling the iterator its cgroup: %w", err)
	}
	return coll.DetachProgram(bytecode.LiveProgTcpLive), nil
}

// replaceProgram puts a program in place of the one that the pinned link holds.
func replaceProgram(pin string, l link.Link, prog *ebpf.Program, undone *undo) error {
	info, err := l.Info()
	if err != nil {
		return err
	}
	old, err := ebpf.NewProgramFromID(info.Program)
	if err != nil {
		return fmt.Errorf("opening the program of %s: %w", pin, rights(err))
	}
	if err := l.Update(prog); err != nil {
		old.Close()
		return fmt.Errorf("replacing the program of %s: %w", pin, err)
	}
	undone.add(func() error {
		defer old.Close()
		l, err := link.LoadPinnedLink(pin, nil)
		if err != nil {
			return err
		}
		defer l.Close()
		return l.Update(old)
	})
	return nil
}
