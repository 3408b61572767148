// SPDX-License-Identifier: Apache-2.0

package loader

import (
	"errors"
	"fmt"
	"iter"
	"path/filepath"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/btf"
	"golang.org/x/sys/unix"

	"github.com/tcpresume/tcpresume/bytecode"
)

// bpfFLink asks for a struct_ops map that a link registers (Linux 6.4).
const bpfFLink = 1 << 13

// wrapper is a congestion control of ours around one of the kernel's.
type wrapper struct {
	name string // of its struct_ops map, and of the congestion control
	cc   string
	load func() (*ebpf.CollectionSpec, error)
}

var wrappers = []wrapper{
	{name: bytecode.CubicMapResumeCubic, cc: "cubic", load: bytecode.LoadCubic},
	{name: bytecode.RenoMapResumeReno, cc: "reno", load: bytecode.LoadReno},
	{name: bytecode.BbrMapResumeBbr, cc: "bbr", load: bytecode.LoadBbr},
}

// errNameTaken is wrapped where the kernel has a congestion control of our name already.
var errNameTaken = errors.New("a congestion control of this name is already registered")

// loadWrapper loads one wrapper over the shared maps. Where the kernel has no
// struct_ops links, loading registers it at once.
func (w wrapper) loadInto(maps mapSet, opts Options, linked bool) (*ebpf.Map, error) {
	kernel, err := btf.LoadKernelSpec()
	if err != nil {
		return nil, err
	}
	if err := w.prepare(kernel); err != nil {
		return nil, err
	}
	spec, err := w.fitted(kernel)
	if err != nil {
		return nil, err
	}
	if !linked {
		spec.Maps[w.name].Flags &^= bpfFLink
	}
	coll, err := ebpf.NewCollectionWithOptions(spec, ebpf.CollectionOptions{MapReplacements: maps.shared(spec)})
	if errors.Is(err, unix.EEXIST) {
		return nil, nameTaken(w.name, opts)
	}
	if err != nil {
		return nil, verdict(err)
	}
	defer coll.Close()
	return coll.DetachMap(w.name), nil
}

// nameTaken says who has the name: it is one name space for the whole kernel.
func nameTaken(name string, opts Options) error {
	if held := heldElsewhere(opts); !held.nothing() {
		return fmt.Errorf("%w: %s", errNameTaken, held.explain(opts))
	}
	return fmt.Errorf("%w: %s", errNameTaken, name)
}

// structOpsMaps yields the kernel's maps of a name, oldest first, and closes each.
func structOpsMaps(name string) iter.Seq[*ebpf.Map] {
	return func(yield func(*ebpf.Map) bool) {
		for id := ebpf.MapID(0); ; {
			next, err := ebpf.MapGetNextID(id)
			if err != nil {
				return
			}
			id = next
			m, err := ebpf.NewMapFromID(id)
			if err != nil {
				continue
			}
			info, err := m.Info()
			more := err != nil || m.Type() != ebpf.StructOpsMap || info.Name != name || yield(m)
			m.Close()
			if !more {
				return
			}
		}
	}
}

// haveStructOps tells whether the kernel takes congestion controls from BPF at all.
func haveStructOps(kernel *btf.Spec) bool {
	var ops *btf.Struct
	return kernel.TypeByName("bpf_struct_ops_tcp_congestion_ops", &ops) == nil
}

// haveStructOpsLinks tells whether a link can register them (Linux 6.4).
func haveStructOpsLinks(kernel *btf.Spec) bool {
	var link *btf.Struct
	return kernel.TypeByName("bpf_struct_ops_link", &link) == nil
}

func wrapperPin(pins, name string) string { return filepath.Join(pins, wrappersDir, name) }
func linkPin(pins, name string) string    { return filepath.Join(pins, linksDir, name) }
