// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

// adoption puts a manager's maps in the place of those that are pinned, in two
// steps: first their values are copied, then, when the programs use the new
// maps, the pins change hands and what was written meanwhile follows.
type adoption struct {
	pins     string
	old, now mapSet // only those that differ
}

// adopt replaces in maps what the foundation brings; the caller still closes maps.
func adopt(over *Foundation, maps mapSet, opts Options) (*adoption, error) {
	a := &adoption{pins: MapsDir(opts.Pins), old: make(mapSet), now: make(mapSet)}
	for name, theirs := range over.Maps {
		if err := pathstore.CheckLayout(name, theirs); err != nil {
			return a, fmt.Errorf("%s's map: %w", over.Manager, err)
		}
		fresh, err := theirs.Clone()
		if err != nil {
			return a, err
		}
		before := maps[name]
		maps[name] = fresh
		if before == nil {
			a.now[name] = fresh
			continue
		}
		if same, err := sameMap(before, fresh); err != nil || same {
			before.Close()
			if err != nil {
				return a, err
			}
			continue
		}
		a.old[name], a.now[name] = before, fresh
	}
	return a, nil
}

// finish swaps the pins. It runs after the programs have changed over.
func (a *adoption) finish(undone *undo) error {
	for name, fresh := range a.now {
		pin := filepath.Join(a.pins, name)
		before, err := ebpf.LoadPinnedMap(pin, nil)
		if errors.Is(err, fs.ErrNotExist) {
			before = nil
		} else if err != nil {
			return err
		}
		if err := repin(before, fresh, pin, undone); err != nil {
			return err
		}
		if before != nil {
			before.Close()
		}
	}
	return nil
}

func (a *adoption) close() { a.old.close() }

func sameMap(a, b *ebpf.Map) (bool, error) {
	idA, err := mapID(a)
	if err != nil {
		return false, err
	}
	idB, err := mapID(b)
	return idA == idB, err
}

func mapID(m *ebpf.Map) (ebpf.MapID, error) {
	info, err := m.Info()
	if err != nil {
		return 0, err
	}
	id, _ := info.ID()
	return id, nil
}
