// SPDX-License-Identifier: Apache-2.0

package node

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/kube/cluster"
	"github.com/tcpresume/tcpresume/test/kube/generation"
)

// One life of an application on a node, in the order in which it happens.
func TestAnApplicationFromItsCreationToItsDeletion(t *testing.T) {
	for name, bpfman := range map[string]struct {
		load     func(*testing.T) *generation.Generation
		attached func(*testing.T, *generation.Generation) uint32 // 0: a program of tcpresume's own
	}{
		"Go":  {generation.LoadGo, func(t *testing.T, g *generation.Generation) uint32 { return g.ID(t, bytecode.KernelProgTcpResume) }},
		"0.6": {generation.LoadRust, func(*testing.T, *generation.Generation) uint32 { return 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := run(t, w.cgroup.Path())
			p.becomes("no state object")
			w.create()
			p.becomes("no status yet")

			first := bpfman.load(t)
			w.report(first)
			p.becomes("ok")
			stands := func(g *generation.Generation) {
				t.Helper()
				if id := bpfman.attached(t, g); id != 0 {
					w.attached(id)
				}
				w.overMaps(g)
			}
			stands(first)
			p.thin()
			w.store()
			w.resumes()

			second := bpfman.load(t)
			w.report(second)
			w.overMapsSoon(second)
			stands(second)
			p.becomes("ok")
			old := first.ID(t, bytecode.KernelProgResumeWatch)
			first.Unload()
			check.Eventually(t, patience, "the old generation is gone", func() bool {
				prog, err := ebpf.NewProgramFromID(ebpf.ProgramID(old))
				if err == nil {
					prog.Close()
				}
				return err != nil
			})
			w.resumes() // from the path that was stored in the first generation's map

			check.Must(t, api.StopServer(true))
			w.resumes()
			third := bpfman.load(t)
			check.Must(t, api.StartServer(t.Context()))
			w.report(third)
			w.overMapsSoon(third)
			stands(third)
			w.resumes()

			check.Must(t, api.DeleteState(t.Context(), w.app))
			p.becomes("is being deleted")
			check.Eventually(t, patience, "nothing is attached", func() bool {
				_, err := loader.Inspect(loader.Options{})
				return err != nil
			})
			check.Must(t, api.ReleaseState(t.Context(), w.app))
			p.becomes("no state object")
			if got := p.probe("/healthz"); got != "ok" {
				t.Errorf("/healthz: %s", got)
			}
		})
	}
}

func TestKeepLeavesTheLastGenerationAttached(t *testing.T) {
	w := newWorld(t)
	p := run(t, w.cgroup.Path(), "--on-unload=keep")
	w.create()
	g := generation.LoadGo(t)
	w.report(g)
	p.becomes("ok")
	id := g.ID(t, bytecode.KernelProgTcpResume)
	w.store()
	check.Must(t, api.DeleteState(t.Context(), w.app))
	p.becomes("is being deleted")
	check.Must(t, api.ReleaseState(t.Context(), w.app))
	p.becomes("no state object")
	g.Unload() // as bpfman does
	w.attached(id)
	w.resumes()
}

// An id may be given to another program before the agent looks.
func TestAnIDOfSomethingElseIsNotAttached(t *testing.T) {
	w := newWorld(t)
	p := run(t, w.cgroup.Path())
	w.create()
	g := generation.LoadGo(t)
	w.report(g)
	p.becomes("ok")
	id := g.ID(t, bytecode.KernelProgTcpResume)
	stranger := g.ID(t, bytecode.KernelProgResumeWatch)
	for _, wrong := range []uint32{stranger, 1<<31 - 1} {
		check.Must(t, api.SetState(t.Context(), w.app, "LoadSuccess", cluster.Loaded{Name: "tcp_resume", Type: "TracePoint", ID: wrong}))
		check.Eventually(t, patience, "it is refused", func() bool { return p.probe("/readyz") != "ok" })
		w.attached(id)
	}
	w.report(g)
	p.becomes("ok")
}

func TestARestartOfTheContainerChangesNothing(t *testing.T) {
	w := newWorld(t)
	w.create()
	g := generation.LoadGo(t)
	w.report(g)
	first := run(t, w.cgroup.Path())
	first.becomes("ok")
	w.store()
	before := w.status()
	first.stop()
	w.resumes()
	second := run(t, w.cgroup.Path())
	second.becomes("ok")
	after := w.status()
	if before.Runtime != after.Runtime {
		t.Errorf("runs %+v, ran %+v", after.Runtime, before.Runtime)
	}
	w.resumes()
}

// Each capability of the manifest is needed. That all of them are enough is what
// the other tests show, and the first run here.
func TestEveryCapabilityIsNeeded(t *testing.T) {
	spec := manifest(t, "kernel")
	all := spec.SecurityContext.Capabilities.Add
	for _, missing := range append([]string{""}, all...) {
		t.Run("without "+missing, func(t *testing.T) {
			w := newWorld(t)
			w.create()
			w.report(generation.LoadGo(t))
			less := spec
			less.SecurityContext.Capabilities.Add = slices.DeleteFunc(slices.Clone(all), func(name string) bool { return name == missing })
			p := start(t, less, "--cgroup="+w.cgroup.Path())
			p.looks()
			said := p.probe("/readyz")
			var s status
			args := append(bounded(less), binary, "status", "-o", "json")
			out, err := exec.Command(args[0], args[1:]...).Output()
			if err == nil {
				check.Must(t, json.Unmarshal(out, &s))
			}
			whole := said == "ok" && s.Runtime.Cgroup == w.cgroup.Path() && !strings.Contains(p.said(), "note:")
			t.Logf("%s; status: cgroup %q, %v", said, s.Runtime.Cgroup, err)
			if whole != (missing == "") {
				t.Errorf("everything works: %v\n%s", whole, p.said())
			}
		})
	}
}

// The daemon's container restarts: its bpffs is gone, and what only that held.
// The operator loads anew; until it has, nothing may be taken down.
func TestABpfmanThatLosesItsPrograms(t *testing.T) {
	for name, load := range map[string]func(*testing.T) *generation.Generation{"Go": generation.LoadGo, "0.6": generation.LoadRust} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			p := run(t, w.cgroup.Path())
			w.create()
			lost := load(t)
			w.report(lost)
			p.becomes("ok")
			w.store()
			lost.Unload()
			if name == "0.6" { // in Go's case the program lives on by the link that was made of it
				p.becomes("no longer in the kernel")
			}
			w.resumes()
			again := load(t)
			w.report(again)
			w.overMapsSoon(again)
			p.becomes("ok")
			w.resumes()
		})
	}
}

// An application that is deleted and applied again at once is not taken down in
// between, although its owner's wish for the end is heeded: paths survive, and no
// connection starts cold.
func TestAnApplicationThatIsAppliedAgain(t *testing.T) {
	w := newWorld(t)
	p := run(t, w.cgroup.Path())
	w.create()
	first := generation.LoadGo(t)
	w.report(first)
	p.becomes("ok")
	w.store()
	before, err := loader.Inspect(loader.Options{})
	check.Must(t, err)
	for round := range 3 {
		check.Must(t, api.DeleteState(t.Context(), w.app))
		check.Must(t, api.ReleaseState(t.Context(), w.app))
		first.Unload()
		check.Eventually(t, patience, "the agent has seen it", func() bool { return strings.Count(p.said(), "bpfman has unloaded tcpresume") > round })
		second := generation.LoadGo(t)
		check.Must(t, api.CreateState(t.Context(), w.app))
		w.report(second)
		w.overMapsSoon(second)
		w.attached(second.ID(t, bytecode.KernelProgTcpResume))
		p.becomes("ok")
		w.resumes()
		first = second
	}
	after, err := loader.Inspect(loader.Options{})
	check.Must(t, err)
	if after.Program.LinkID != before.Program.LinkID || strings.Contains(p.said(), "taken down as asked") {
		t.Errorf("link %d, was %d", after.Program.LinkID, before.Program.LinkID)
	}
}
