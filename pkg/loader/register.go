// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
	"golang.org/x/sys/unix"
)

// register puts one wrapper into the kernel's list of congestion controls, or
// puts the new version in place of the old one while sockets use it.
func (w wrapper) register(maps mapSet, opts Options, linked bool, undone *undo) error {
	old, err := ebpf.LoadPinnedMap(wrapperPin(opts.Pins, w.name), nil)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if old != nil {
		defer old.Close()
	}
	if !linked {
		return w.registerByMap(maps, opts, old, undone)
	}
	fresh, err := w.loadInto(maps, opts, true)
	if err != nil {
		return err
	}
	defer fresh.Close()
	if err := w.relink(maps, old, fresh, opts, undone); err != nil {
		return err
	}
	return repin(old, fresh, wrapperPin(opts.Pins, w.name), undone)
}

// freedWithin is how long the kernel may take to give up a name whose last pin
// was removed, by a Down a moment ago: it does so in the background.
const freedWithin = 2 * time.Second

func (w wrapper) link(maps mapSet, fresh *ebpf.Map, opts Options, undone *undo) error {
	attach := link.StructOpsOptions{Map: fresh}
	l, err := link.AttachStructOps(attach)
	for end := time.Now().Add(freedWithin); errors.Is(err, unix.EEXIST) && time.Now().Before(end) && !anotherIsUp(maps); {
		time.Sleep(freedWithin / 200)
		l, err = link.AttachStructOps(attach)
	}
	if errors.Is(err, unix.EEXIST) {
		return nameTaken(w.name, opts)
	}
	if err != nil {
		return err
	}
	defer l.Close()
	pin := linkPin(opts.Pins, w.name)
	if err := l.Pin(pin); err != nil {
		return fmt.Errorf("pinning link of %s: %w", w.name, err)
	}
	undone.add(func() error { return unhook(pin) })
	return nil
}

// relink puts the fresh wrapper into the pinned link, or links it first. A crash
// may have left a link without the old map's pin, and the other way round.
func (w wrapper) relink(maps mapSet, old, fresh *ebpf.Map, opts Options, undone *undo) error {
	l, err := link.LoadPinnedLink(linkPin(opts.Pins, w.name), nil)
	if errors.Is(err, fs.ErrNotExist) {
		return w.link(maps, fresh, opts, undone)
	}
	if err != nil {
		return err
	}
	defer l.Close()
	if err := updateStructOps(l, fresh); err != nil {
		return fmt.Errorf("replacing %s: %w", w.name, err)
	}
	if old == nil {
		return nil
	}
	back, err := old.Clone()
	if err != nil {
		return err
	}
	undone.add(func() error {
		defer back.Close()
		l, err := link.LoadPinnedLink(linkPin(opts.Pins, w.name), nil)
		if err != nil {
			return err
		}
		defer l.Close()
		return updateStructOps(l, back)
	})
	return nil
}

// updateStructOps is BPF_LINK_UPDATE for a struct_ops link, which cilium/ebpf does not offer.
func updateStructOps(l link.Link, fresh *ebpf.Map) error {
	held, ok := l.(interface{ FD() int })
	if !ok {
		return fmt.Errorf("link of type %T has no descriptor", l)
	}
	attr := struct{ linkFD, newMapFD, flags, oldMapFD uint32 }{linkFD: uint32(held.FD()), newMapFD: uint32(fresh.FD())}
	_, _, errno := unix.Syscall(unix.SYS_BPF, unix.BPF_LINK_UPDATE, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	if errno != 0 {
		return errno
	}
	return nil
}

// registerByMap is for kernels before 6.4: loading registers, and the name
// stays registered after exit, pinned or not. A name cannot be replaced in
// place there, so an upgrade leaves a moment in which connections start cold.
func (w wrapper) registerByMap(maps mapSet, opts Options, old *ebpf.Map, undone *undo) error {
	if old != nil {
		if err := unregister(old); err != nil {
			return fmt.Errorf("unregistering the old %s: %w", w.name, err)
		}
	}
	fresh, err := w.loadInto(maps, opts, false)
	if errors.Is(err, errNameTaken) && !anotherIsUp(maps) && unregisterStray(w.name) {
		fresh, err = w.loadInto(maps, opts, false) // what a crash between loading and pinning left
	}
	if err != nil {
		return err
	}
	defer fresh.Close()
	held, err := fresh.Clone()
	if err != nil {
		return errors.Join(err, unregister(fresh))
	}
	undone.add(func() error { defer held.Close(); return unregister(held) })
	return repin(old, fresh, wrapperPin(opts.Pins, w.name), undone)
}

// unregister takes a wrapper without a link out of the kernel's list; sockets that use it go on.
func unregister(m *ebpf.Map) error {
	if err := m.Delete(uint32(0)); err != nil && !errors.Is(err, ebpf.ErrKeyNotExist) && !errors.Is(err, unix.EINPROGRESS) {
		return err
	}
	return nil
}

// unregisterStray goes through all maps of the name: one that was unregistered
// while sockets used it lives on beside the one that is registered.
func unregisterStray(name string) (done bool) {
	for m := range structOpsMaps(name) {
		done = unregister(m) == nil || done
	}
	return done
}

// repin makes a pin name the fresh map, and the old one again on undo.
func repin(old, fresh *ebpf.Map, pin string, undone *undo) error {
	if old == nil {
		if err := fresh.Pin(pin); err != nil {
			return fmt.Errorf("pinning %s: %w", pin, err)
		}
		undone.add(func() error { return removeIfThere(pin) })
		return nil
	}
	back, err := old.Clone()
	if err != nil {
		return err
	}
	if err := swapPin(fresh, pin); err != nil {
		back.Close()
		return err
	}
	undone.add(func() error { defer back.Close(); return swapPin(back, pin) })
	return nil
}

func swapPin(m *ebpf.Map, pin string) error {
	if err := os.Remove(pin); err != nil {
		return err
	}
	return m.Pin(pin)
}
