// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

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
		if err := r.keepForUs(pin, l); err != nil {
			return err
		}
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

// A pass locks every socket of a namespace in turn, so that whoever may open the
// pin can slow all of them down by passes without an end. It is for the user that
// loaded, and nobody else.
const liveMode fs.FileMode = 0o600

// openToOthers says who else may open the pin.
func openToOthers(pin string) (string, error) {
	info, err := os.Stat(pin)
	if err != nil {
		return "", err
	}
	owner := info.Sys().(*syscall.Stat_t).Uid
	if owner == uint32(os.Geteuid()) && info.Mode().Perm()&^liveMode == 0 {
		return "", nil
	}
	return fmt.Sprintf("%s was open to others (uid %d, mode %#o)", pin, owner, info.Mode().Perm()), nil
}

// keepForUs pins a link that others may open anew: a change of its owner would take
// a capability more.
func (r *Runtime) keepForUs(pin string, l link.Link) error {
	others, err := openToOthers(pin)
	if err != nil || others == "" {
		return err
	}
	if err := l.Unpin(); err != nil {
		return fmt.Errorf("removing %s: %w", pin, err)
	}
	if err := l.Pin(pin); err != nil {
		return fmt.Errorf("pinning the iterator over live connections: %w", err)
	}
	r.note(others + ": it is this user's alone again; let the agent make the passes (docs/live.md)")
	return nil
}

// checkLive looks at who may make passes.
func checkLive(opts Options) []Finding {
	others, err := openToOthers(linkPin(opts.Pins, liveLink))
	if err != nil || others == "" { // not loaded, perhaps
		return nil
	}
	return []Finding{{"idle connections", Warning, others + ": who makes passes without an end slows every connection down", "\"tcpresume up --detach\" makes it this user's alone"}}
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
