// SPDX-License-Identifier: Apache-2.0

package node

import (
	"path/filepath"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/kube/generation"
)

// overMaps checks that what the verbs write into are this generation's maps.
func (w *world) overMaps(g *generation.Generation) {
	w.Helper()
	if !w.isOverMaps(g) {
		w.Error("the pinned maps are not those of the generation")
	}
}

func (w *world) overMapsSoon(g *generation.Generation) {
	w.Helper()
	check.Eventually(w.T, patience, "the pins have changed to the new maps", func() bool { return w.isOverMaps(g) })
}

func (w *world) isOverMaps(g *generation.Generation) bool {
	w.Helper()
	theirs := g.Map(bytecode.KernelMapResumePaths)
	pinned, err := ebpf.LoadPinnedMap(filepath.Join(loader.MapsDir(loader.DefaultPins), bytecode.KernelMapResumePaths), nil)
	if err != nil {
		return false
	}
	defer pinned.Close()
	return mapID(w, theirs) == mapID(w, pinned)
}

func mapID(w *world, m *ebpf.Map) ebpf.MapID {
	w.Helper()
	info, err := m.Info()
	check.Must(w, err)
	id, _ := info.ID()
	return id
}
