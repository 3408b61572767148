// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
)

type mapSet map[string]*ebpf.Map

func (m mapSet) close() {
	for _, each := range m {
		each.Close()
	}
}

// openMaps takes the maps that are pinned and makes and pins those that are
// not, so that an upgrade keeps every path.
func openMaps(spec *ebpf.CollectionSpec, opts Options, undone *undo) (maps mapSet, err error) {
	maps = make(mapSet)
	defer func() {
		if err != nil {
			maps.close()
		}
	}()
	for name, mapSpec := range spec.Maps {
		path := filepath.Join(MapsDir(opts.Pins), name)
		m, err := ebpf.LoadPinnedMap(path, nil)
		if err == nil {
			maps[name] = m
			if err := pathstore.CheckLayout(name, m); err != nil {
				return nil, fmt.Errorf("%w; to replace it: \"tcpresume dump > paths\", \"tcpresume down\", \"tcpresume up\", \"tcpresume load paths\"", err)
			}
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("opening map %s: %w", path, err)
		}
		if opts.Over.brings(name) {
			continue
		}
		mapSpec = mapSpec.Copy()
		if name == bytecode.KernelMapResumePaths && opts.MaxPaths != 0 {
			mapSpec.MaxEntries = opts.MaxPaths
		}
		m, err = ebpf.NewMap(mapSpec)
		if err != nil {
			if checkCapabilities().Status != OK { // then probing says that the kernel lacks a feature
				err = unix.EPERM
			}
			return nil, fmt.Errorf("creating map %s: %w", name, rights(err))
		}
		maps[name] = m
		if err := m.Pin(path); err != nil {
			return nil, fmt.Errorf("pinning map %s: %w", name, err)
		}
		undone.add(func() error { return removeIfThere(path) })
	}
	return maps, nil
}

// shared are the replacements for those of a spec's maps that are in the set.
func (m mapSet) shared(spec *ebpf.CollectionSpec) map[string]*ebpf.Map {
	replacements := make(map[string]*ebpf.Map)
	for name := range spec.Maps {
		if existing, ok := m[name]; ok {
			replacements[name] = existing
			spec.Maps[name].MaxEntries = existing.MaxEntries()
		}
	}
	return replacements
}
