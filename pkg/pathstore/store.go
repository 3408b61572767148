// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"syscall"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// ErrNotFound is wrapped by errors about a peer or prefix that has no entry.
var ErrNotFound = errors.New("no entry")

// ErrNotLoaded is wrapped by errors about maps that are not there.
var ErrNotLoaded = errors.New("tcpresume is not loaded")

// Maps names every map a Store may use. Programs find them under these names.
var Maps = []string{
	bytecode.KernelMapResumePaths,
	bytecode.KernelMapResumePolicy,
	bytecode.KernelMapResumeStats,
	bytecode.KernelMapResumeEvents,
	bytecode.KernelMapResumeControl,
	bytecode.KernelMapCwndMap,
	bytecode.KernelMapSSThreshMap,
	bytecode.KernelMapFallbackMap,
}

// jumps are not among them: a mount that gives a program the maps by name need not have it.
const jumps = bytecode.KernelMapResumeJumps

// Store reads and writes the maps of one running tcpresume. Its methods may be
// called from several goroutines.
type Store struct {
	maps map[string]*ebpf.Map
}

// Open takes the maps pinned by name in dir. A missing directory or map is
// ErrNotLoaded; a map of another layout is refused with what differs.
func Open(dir string) (*Store, error) {
	store := &Store{maps: make(map[string]*ebpf.Map)}
	for _, name := range Maps {
		m, err := openPinned(dir, name)
		if err != nil {
			store.Close()
			return nil, err
		}
		if err := store.add(dir, name, m); err != nil {
			return nil, err
		}
	}
	m, err := openPinned(dir, jumps)
	if errors.Is(err, ErrNotLoaded) || errors.Is(err, fs.ErrPermission) {
		return store, nil
	}
	if err == nil {
		err = store.add(dir, jumps, m)
	}
	if err != nil {
		store.Close()
		return nil, err
	}
	return store, nil
}

// add closes the store on an error.
func (s *Store) add(dir, name string, m *ebpf.Map) error {
	s.maps[name] = m
	if err := CheckLayout(name, m); err != nil {
		s.Close()
		return fmt.Errorf("%s: %w", dir, err)
	}
	return nil
}

func openPinned(dir, name string) (*ebpf.Map, error) {
	m, err := ebpf.LoadPinnedMap(filepath.Join(dir, name), nil)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: no map %s in %s; run \"tcpresume up\", or name the directory of the maps with --maps", ErrNotLoaded, name, dir)
	case errors.Is(err, syscall.EPERM): // a file's mode is EACCES
		return nil, fmt.Errorf("map %s in %s: bpf(2) is refused: %w; in a container its seccomp profile does that to who lacks CAP_BPF (docs/kubernetes.md), elsewhere run as root", name, dir, fs.ErrPermission)
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("map %s in %s: %w; run as root or give this user the maps (docs/security.md)", name, dir, fs.ErrPermission)
	case err != nil:
		return nil, fmt.Errorf("opening map %s in %s: %w", name, dir, err)
	}
	return m, nil
}

// FromMaps makes a Store of maps that are already open, by cloning them.
func FromMaps(maps map[string]*ebpf.Map) (*Store, error) {
	store := &Store{maps: make(map[string]*ebpf.Map)}
	for _, name := range Maps {
		m, ok := maps[name]
		if !ok {
			store.Close()
			return nil, fmt.Errorf("%w: map %s is missing", ErrNotLoaded, name)
		}
		clone, err := m.Clone()
		if err != nil {
			store.Close()
			return nil, fmt.Errorf("map %s: %w", name, err)
		}
		store.maps[name] = clone
	}
	return store, nil
}

// Close releases the maps; what is pinned stays.
func (s *Store) Close() error {
	var errs []error
	for _, m := range s.maps {
		errs = append(errs, m.Close())
	}
	return errors.Join(errs...)
}

func (s *Store) paths() *ebpf.Map  { return s.maps[bytecode.KernelMapResumePaths] }
func (s *Store) policy() *ebpf.Map { return s.maps[bytecode.KernelMapResumePolicy] }
