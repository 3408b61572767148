// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/cilium/ebpf"
)

// recoverMaps pins those maps of the running program again whose pins somebody
// removed. With fresh maps in their place every stored path would be lost, and
// connections that resume now would not know their phase any more.
//
// A manager's maps are not pinned again but where all pins were lost: then their
// paths are still to be carried over to those that it has loaded since.
func recoverMaps(running *attached, lost bool, spec *ebpf.CollectionSpec, opts Options, undone *undo) error {
	if running == nil || opts.Over != nil && !lost {
		return nil
	}
	prog, err := ebpf.NewProgramFromID(running.programID)
	if err != nil {
		return nil // it went with its cgroup
	}
	defer prog.Close()
	info, err := prog.Info()
	if err != nil {
		return err
	}
	used, _ := info.MapIDs()
	for _, id := range used {
		if err := recoverMap(id, spec, opts, undone); err != nil {
			return err
		}
	}
	return nil
}

func recoverMap(id ebpf.MapID, spec *ebpf.CollectionSpec, opts Options, undone *undo) error {
	m, err := ebpf.NewMapFromID(id)
	if err != nil {
		return fmt.Errorf("opening map %d of the running program: %w", id, rights(err))
	}
	defer m.Close()
	info, err := m.Info()
	if err != nil || spec.Maps[info.Name] == nil {
		return err
	}
	pin := filepath.Join(MapsDir(opts.Pins), info.Name)
	if _, err := os.Stat(pin); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := m.Pin(pin); err != nil {
		return fmt.Errorf("pinning map %s of the running program again: %w", info.Name, err)
	}
	undone.add(func() error { return removeIfThere(pin) })
	return nil
}
