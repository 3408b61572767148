// SPDX-License-Identifier: Apache-2.0

package generation

import (
	"slices"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/kube/cluster"
)

// Generation is one load of bpfman's daemon.
type Generation struct{ parts []*ebpf.Collection }

// LoadGo loads as the bpfman in Go does: a set of maps for each program. It is
// unloaded at the end of the test at the latest.
func LoadGo(t *testing.T) *Generation {
	t.Helper()
	g := &Generation{}
	t.Cleanup(g.Unload)
	for _, name := range []string{bytecode.KernelProgTcpResume, bytecode.KernelProgResumeWatch} {
		g.load(t, name)
	}
	return g
}

// LoadRust loads as bpfman 0.6 does: tracepoints only, over one set of maps.
func LoadRust(t *testing.T) *Generation {
	t.Helper()
	g := &Generation{}
	t.Cleanup(g.Unload)
	g.load(t, bytecode.KernelProgResumeWatch, bytecode.KernelProgResumeRstOut, bytecode.KernelProgResumeRstIn)
	return g
}

// LoadOther loads what decides from an image of another build.
func LoadOther(t *testing.T) *Generation {
	t.Helper()
	spec, err := bytecode.LoadKernel()
	check.Must(t, err)
	decider := spec.Programs[bytecode.KernelProgTcpResume]
	decider.Instructions = slices.Insert(decider.Instructions, 1, asm.Mov.Imm(asm.R0, 1)) // another tag, the same work
	spec.Programs = map[string]*ebpf.ProgramSpec{bytecode.KernelProgTcpResume: decider}
	coll, err := ebpf.NewCollection(spec)
	check.Must(t, err)
	g := &Generation{parts: []*ebpf.Collection{coll}}
	t.Cleanup(g.Unload)
	return g
}

func (g *Generation) load(t *testing.T, names ...string) {
	t.Helper()
	spec, err := bytecode.LoadKernel()
	check.Must(t, err)
	wanted := make(map[string]*ebpf.ProgramSpec)
	for _, name := range names {
		wanted[name] = spec.Programs[name]
	}
	spec.Programs = wanted
	coll, err := ebpf.NewCollection(spec)
	check.Must(t, err)
	g.parts = append(g.parts, coll)
}

// Unload is bpfman's: what nobody else holds is gone.
func (g *Generation) Unload() {
	for _, part := range g.parts {
		part.Close()
	}
	g.parts = nil
}

// Map is one of the first program, whose maps are those of CSI volumes.
func (g *Generation) Map(name string) *ebpf.Map { return g.parts[0].Maps[name] }

// ID is the kernel's of a program.
func (g *Generation) ID(t *testing.T, name string) uint32 {
	t.Helper()
	for _, part := range g.parts {
		if prog := part.Programs[name]; prog != nil {
			info, err := prog.Info()
			check.Must(t, err)
			id, _ := info.ID()
			return uint32(id)
		}
	}
	t.Fatalf("no program %s", name)
	return 0
}

// Reported is how the operator's state object names it.
func (g *Generation) Reported(t *testing.T) (all []cluster.Loaded) {
	t.Helper()
	for _, part := range g.parts {
		for name := range part.Programs {
			all = append(all, cluster.Loaded{Name: name, Type: "TracePoint", ID: g.ID(t, name)})
		}
	}
	return all
}
