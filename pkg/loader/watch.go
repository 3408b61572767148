// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/link"
)

// watch attaches the programs that count what becomes of resumed connections,
// except those that bpfman has loaded over the same maps. Nothing depends on
// them, so a failure is worth a note and no more.
func (r *Runtime) watch(coll *ebpf.Collection, loaded []Watcher, opts Options, undone *undo) {
	for _, name := range watchers {
		pin := linkPin(opts.Pins, name)
		theirs := func(w Watcher) bool { return w.Name == name && w.ByOthers }
		if slices.ContainsFunc(loaded, theirs) { // attached twice it would count twice
			if err := removeIfThere(pin); err != nil {
				r.note(fmt.Sprintf("%s counts twice: %v", name, err))
			}
			continue
		}
		if err := attachWatcher(coll.Programs[name], watchedEvent(name), pin, undone); err != nil {
			r.note(fmt.Sprintf("going without %s, its counter stays as it is: %v", name, err))
		}
	}
}

func attachWatcher(prog *ebpf.Program, event, pin string, undone *undo) error {
	old, err := link.LoadPinnedLink(pin, nil)
	if errors.Is(err, fs.ErrNotExist) {
		undone.add(func() error { return removeIfThere(pin) })
		return pinTracepoint(prog, event, pin)
	}
	if err != nil {
		return err
	}
	defer old.Close()
	info, err := old.Info()
	if err != nil {
		return err
	}
	back, err := ebpf.NewProgramFromID(info.Program)
	if err != nil {
		return err
	}
	if equalPrograms(back, prog) {
		return back.Close()
	}
	// The link of a perf event takes no other program, so for a moment nothing is counted.
	if err := old.Unpin(); err != nil {
		back.Close()
		return err
	}
	undone.add(func() error {
		defer back.Close()
		return errors.Join(removeIfThere(pin), pinTracepoint(back, event, pin))
	})
	old.Close()
	return pinTracepoint(prog, event, pin)
}

func pinTracepoint(prog *ebpf.Program, event, pin string) error {
	l, err := attachTracepoint(prog, event)
	if err != nil {
		return rights(err)
	}
	defer l.Close()
	return l.Pin(pin)
}

// equalPrograms is true for the same instructions over the same maps.
func equalPrograms(a, b *ebpf.Program) bool {
	infoA, errA := a.Info()
	infoB, errB := b.Info()
	if errA != nil || errB != nil || infoA.Tag != infoB.Tag {
		return false
	}
	mapsA, _ := infoA.MapIDs()
	mapsB, _ := infoB.MapIDs()
	return slices.Equal(slices.Sorted(slices.Values(mapsA)), slices.Sorted(slices.Values(mapsB)))
}
