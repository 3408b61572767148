// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/cilium/ebpf"

	"github.com/tcpresume/tcpresume/bytecode"
	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/kube/cluster"
	"github.com/tcpresume/tcpresume/test/lab"
)

const patience = 60 * time.Second

// generation is one load of bpfman's daemon, whose pins are out of sight: only
// descriptors of its process hold it, and the kernel's ids lead to it.
type generation struct{ parts []*ebpf.Collection }

// loadGo loads as the bpfman in Go does: a set of maps for each program.
func loadGo(t *testing.T) *generation {
	t.Helper()
	g := &generation{}
	t.Cleanup(g.unload)
	for _, name := range []string{bytecode.KernelProgTcpResume, bytecode.KernelProgResumeWatch} {
		g.load(t, name)
	}
	return g
}

// loadRust loads as bpfman 0.6 does: tracepoints only, over one set of maps.
func loadRust(t *testing.T) *generation {
	t.Helper()
	g := &generation{}
	t.Cleanup(g.unload)
	g.load(t, bytecode.KernelProgResumeWatch, bytecode.KernelProgResumeRstOut, bytecode.KernelProgResumeRstIn)
	return g
}

func (g *generation) load(t *testing.T, names ...string) {
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

// unload is bpfman's: what nobody else holds is gone.
func (g *generation) unload() {
	for _, part := range g.parts {
		part.Close()
	}
	g.parts = nil
}

func (g *generation) id(t *testing.T, name string) uint32 {
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

// reported is how the operator's state object names it.
func (g *generation) reported(t *testing.T) (all []cluster.Loaded) {
	t.Helper()
	for _, part := range g.parts {
		for name := range part.Programs {
			all = append(all, cluster.Loaded{Name: name, Type: "TracePoint", ID: g.id(t, name)})
		}
	}
	return all
}

// world is a node with nothing attached and no application.
type world struct {
	*testing.T
	*lab.Lab
	cgroup *lab.Cgroup
	app    cluster.App
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, app: cluster.App{Name: "tcpresume", Node: nodeName}}
	var err error
	w.cgroup, err = lab.NewCgroup("node")
	check.Must(t, err)
	t.Cleanup(func() {
		if _, err := loader.Down(context.Background(), loader.Options{}); err != nil && !errors.Is(err, pathstore.ErrNotLoaded) {
			t.Error(err)
		}
		if err := w.cgroup.Remove(); err != nil {
			t.Error(err)
		}
	})
	w.Lab, err = lab.New(lab.Path{RTT: 20 * time.Millisecond, Rate: 50e6})
	check.Must(t, err)
	t.Cleanup(func() {
		if err := w.Lab.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// create makes the state object; it is gone after the test.
func (w *world) create() {
	w.Helper()
	check.Must(w, api.CreateState(w.Context(), w.app))
	w.Cleanup(func() {
		_ = api.DeleteState(context.Background(), w.app)
		_ = api.ReleaseState(context.Background(), w.app)
	})
}

func (w *world) report(g *generation) {
	w.Helper()
	check.Must(w, api.SetState(w.Context(), w.app, "LoadSuccess", g.reported(w.T)...))
}

// status is the part of "tcpresume status -o json" that is compared.
type status struct {
	Runtime struct {
		Program struct{ ID uint32 }
		Cgroup  string
	}
	Counters map[string]uint64
}

func (w *world) status() status {
	w.Helper()
	var s status
	check.Must(w, json.Unmarshal([]byte(output(w.T, "status", "-o", "json")), &s))
	return s
}

// attached waits until the link runs this program.
func (w *world) attached(id uint32) {
	w.Helper()
	check.Eventually(w.T, patience, "the program is attached", func() bool {
		state, err := loader.Inspect(loader.Options{})
		return err == nil && state.Program.ID == id
	})
}

// resumes opens a connection to a server of the node, which the kernel is to resume.
func (w *world) resumes() {
	w.Helper()
	before := w.status().Counters["resumed"]
	listener, err := w.Server.Listen(w.Context(), lab.ListenSpec{Cgroup: w.cgroup})
	check.Must(w, err)
	defer listener.Close()
	port := listener.Addr().(interface{ AddrPort() netip.AddrPort }).AddrPort().Port()
	client, err := w.Client.Dial(w.Context(), lab.DialSpec{Addr: netip.AddrPortFrom(w.Server.IPv4, port)})
	check.Must(w, err)
	defer client.Close()
	server, err := listener.Accept()
	check.Must(w, err)
	defer server.Close()
	if after := w.status().Counters["resumed"]; after != before+1 {
		w.Errorf("resumed: %d connections after one more, were %d", after, before)
	}
}

// store saves a path to the lab's client, for any number of connections.
func (w *world) store() {
	w.Helper()
	output(w.T, "policy", "set", "default", "--mode=exact", "--sharing=shared")
	output(w.T, "put", w.Client.IPv4.String(), "--cwnd=64KiB", "--rtt=20ms")
}
