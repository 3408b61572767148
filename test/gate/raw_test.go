// SPDX-License-Identifier: Apache-2.0

package gate

import (
	"net/netip"
	"path/filepath"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/check"
)

// pinned opens a map as any other program would.
func pinned(t testing.TB, name string) *ebpf.Map {
	t.Helper()
	m, err := ebpf.LoadPinnedMap(filepath.Join(loader.MapsDir(loader.DefaultPins), name), nil)
	check.Must(t, err)
	t.Cleanup(func() { m.Close() })
	return m
}

// damage flips one bit of a stored entry, so that its seal is another's.
func damage(t testing.TB, peer netip.Addr, change func(*bytecode.KernelResumePath)) {
	t.Helper()
	paths := pinned(t, bytecode.KernelMapResumePaths)
	key := bytecode.KernelResumePeer{Addr: peer.As16()}
	var path bytecode.KernelResumePath
	check.Must(t, paths.Lookup(&key, &path))
	change(&path)
	check.Must(t, paths.Put(&key, &path))
}

// dropin writes the maps of the original fallback system; nil leaves one unset.
func dropin(t testing.TB, values map[string]int) {
	t.Helper()
	for name, value := range values {
		check.Must(t, pinned(t, name).Put(uint32(0), uint32(value)))
	}
}
