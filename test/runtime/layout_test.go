// SPDX-License-Identifier: Apache-2.0

package runtime

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
)

const elsewhere = "/sys/fs/bpf/elsewhere"

func TestOpenWhereNothingIs(t *testing.T) {
	newWorld(t)
	for _, dir := range []string{loader.MapsDir(loader.DefaultPins), t.TempDir(), "/sys/fs/bpf"} {
		_, err := pathstore.Open(dir)
		if !errors.Is(err, pathstore.ErrNotLoaded) || !strings.Contains(err.Error(), dir) {
			t.Errorf("got %v, want %v that names %s", err, pathstore.ErrNotLoaded, dir)
		}
	}
}

// Managers pin the maps where they like.
func TestOpenWhereverTheMapsArePinned(t *testing.T) {
	w := newWorld(t)
	w.up(t)
	pinElsewhere(t)
	store, err := pathstore.Open(elsewhere)
	check.Must(t, err)
	check.Must(t, store.Close())
	for _, name := range pathstore.Maps {
		t.Run(name, func(t *testing.T) {
			away := filepath.Join(elsewhere, name)
			check.Must(t, os.Rename(away, away+"-away"))
			defer func() { check.Must(t, os.Rename(away+"-away", away)) }()
			_, err := pathstore.Open(elsewhere)
			if !errors.Is(err, pathstore.ErrNotLoaded) || !strings.Contains(err.Error(), name) {
				t.Errorf("without it got %v, want %v that names it", err, pathstore.ErrNotLoaded)
			}
		})
	}
}

func TestOpenRefusesAForeignLayout(t *testing.T) {
	w := newWorld(t)
	w.up(t)
	pinElsewhere(t)
	pin := filepath.Join(elsewhere, bytecode.KernelMapResumePaths)
	for name, change := range map[string]func(*ebpf.MapSpec){
		"another kind":  func(m *ebpf.MapSpec) { m.Type = ebpf.Hash },
		"another size":  func(m *ebpf.MapSpec) { m.ValueSize += 8; m.Value = nil },
		"other fields":  renameField,
		"fields moved":  swapFields,
		"another value": func(m *ebpf.MapSpec) { m.ValueSize = 8; m.Value = nil },
	} {
		t.Run(name, func(t *testing.T) {
			check.Must(t, os.Remove(pin))
			foreignMap(t, pin, change)
			_, err := pathstore.Open(elsewhere)
			foreignLayout(t, err)
		})
	}
}

func pinElsewhere(t *testing.T) {
	t.Helper()
	check.Must(t, os.Mkdir(elsewhere, 0o700))
	t.Cleanup(func() { check.Must(t, os.RemoveAll(elsewhere)) })
	for _, name := range pathstore.Maps {
		m, err := ebpf.LoadPinnedMap(filepath.Join(loader.MapsDir(loader.DefaultPins), name), nil)
		check.Must(t, err)
		again, err := m.Clone()
		check.Must(t, err)
		check.Must(t, m.Close())
		check.Must(t, again.Pin(filepath.Join(elsewhere, name)))
		check.Must(t, again.Close())
	}
}

func foreignLayout(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, pathstore.ErrForeignLayout) || !strings.Contains(err.Error(), bytecode.KernelMapResumePaths) {
		t.Errorf("got %v, want %v that names the map", err, pathstore.ErrForeignLayout)
	}
}

// foreignMap pins a map of paths that another version, or another program, could have made.
func foreignMap(t *testing.T, pin string, change func(*ebpf.MapSpec)) {
	t.Helper()
	spec, err := bytecode.LoadKernel()
	check.Must(t, err)
	paths := spec.Maps[bytecode.KernelMapResumePaths].Copy()
	paths.MaxEntries = 16
	change(paths)
	m, err := ebpf.NewMap(paths)
	check.Must(t, err)
	defer m.Close()
	check.Must(t, m.Pin(pin))
}

func renameField(m *ebpf.MapSpec) {
	changeFields(m, func(fields []btf.Member) { fields[3].Name = "cwnd_segments" })
}

func swapFields(m *ebpf.MapSpec) {
	changeFields(m, func(fields []btf.Member) { fields[3].Name, fields[4].Name = fields[4].Name, fields[3].Name })
}

func changeFields(m *ebpf.MapSpec, change func([]btf.Member)) {
	value := btf.Copy(m.Value).(*btf.Struct)
	change(value.Members)
	m.Value = value
}
