// SPDX-License-Identifier: Apache-2.0

package node

import (
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/pkg/pathstore"
	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/kube/cluster"
	"github.com/tcpresume/tcpresume/test/kube/generation"
	"github.com/tcpresume/tcpresume/test/lab"
)

const patience = 60 * time.Second

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

func (w *world) report(g *generation.Generation) {
	w.Helper()
	check.Must(w, api.SetState(w.Context(), w.app, "LoadSuccess", g.Reported(w.T)...))
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
