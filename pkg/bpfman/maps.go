// SPDX-License-Identifier: Apache-2.0

package bpfman

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
)

// ErrMismatch is wrapped where pins lead to other maps than a program uses.
var ErrMismatch = errors.New("the pinned maps are not those of the program")

type mapSet map[string]*ebpf.Map

func (m mapSet) close() {
	for _, each := range m {
		each.Close()
	}
}

// openMaps takes a program's maps by their ids, and compares the pins with them
// where there are any.
func (p *program) openMaps(dirs ...string) (mapSet, error) {
	maps := make(mapSet)
	for _, id := range p.maps {
		m, err := ebpf.NewMapFromID(id)
		if err != nil {
			maps.close()
			pinned, pinErr := openPins(dirs)
			if pinErr != nil {
				return nil, fmt.Errorf("opening map %d of program %d: %w", id, p.ID, err)
			}
			return pinned, p.complete(pinned) // without CAP_SYS_ADMIN pins are all there is
		}
		info, err := m.Info()
		if err != nil {
			m.Close()
			maps.close()
			return nil, err
		}
		maps[info.Name] = m
	}
	if err := p.complete(maps); err != nil {
		maps.close()
		return nil, err
	}
	if err := comparePins(maps, dirs); err != nil {
		maps.close()
		return nil, err
	}
	return maps, nil
}

// complete checks that nothing shared is missing. In companion mode socket
// storages are, which a tracepoint cannot use: those will be ours.
func (p *program) complete(maps mapSet) error {
	spec, err := bytecode.LoadKernel()
	if err != nil {
		return err
	}
	for name, want := range spec.Maps {
		if maps[name] == nil && (want.Type != ebpf.SkStorage || p.mode == loader.ModeProgram) {
			return fmt.Errorf("program %d does not use map %s: it comes from an image of another version; load the one of this version (\"tcpresume image push\")", p.ID, name)
		}
	}
	for name, m := range maps {
		if spec.Maps[name] == nil || spec.Maps[name].Type == ebpf.SkStorage && p.mode == loader.ModeCompanion {
			m.Close()
			delete(maps, name)
		}
	}
	return nil
}

func comparePins(maps mapSet, dirs []string) error {
	for _, dir := range dirs {
		for name, m := range maps {
			pinned, err := ebpf.LoadPinnedMap(filepath.Join(dir, name), nil)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return fmt.Errorf("opening map %s: %w", filepath.Join(dir, name), err)
			}
			have, want := mapID(pinned), mapID(m)
			pinned.Close()
			if have != want {
				return fmt.Errorf("%w: %s/%s is map %d, the program uses %d; the directory belongs to another generation", ErrMismatch, dir, name, have, want)
			}
		}
	}
	return nil
}

// openPins takes all shared maps of the first directory that has them.
func openPins(dirs []string) (mapSet, error) {
	spec, err := bytecode.LoadKernel()
	if err != nil {
		return nil, err
	}
	err = fmt.Errorf("%w: no directory to look for maps in", fs.ErrNotExist)
	for _, dir := range dirs {
		maps := make(mapSet)
		err = nil
		for name, want := range spec.Maps {
			m, openErr := ebpf.LoadPinnedMap(filepath.Join(dir, name), nil)
			switch {
			case openErr == nil:
				maps[name] = m
			case want.Type != ebpf.SkStorage:
				err = fmt.Errorf("opening map %s: %w", filepath.Join(dir, name), openErr)
			}
		}
		if err == nil {
			return maps, nil
		}
		maps.close()
	}
	return nil, err
}

func mapID(m *ebpf.Map) ebpf.MapID {
	info, err := m.Info()
	if err != nil {
		return 0
	}
	id, _ := info.ID()
	return id
}
