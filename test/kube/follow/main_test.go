// SPDX-License-Identifier: Apache-2.0

package follow

import (
	"context"
	"fmt"
	"os"
	"reflect"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/kube"
	"github.com/tcpresume/tcpresume/test/kube/cluster"
)

var api *cluster.Cluster

func TestMain(m *testing.M) { os.Exit(withCluster(m)) }

func withCluster(m *testing.M) int {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute)
	defer cancel()
	var err error
	if api, err = cluster.Start(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer api.Close()
	for _, overlay := range []string{"bpfman-go", "namespaced"} {
		if _, err := api.Kubectl(ctx, "", "apply", "--server-side", "--force-conflicts", "-k", "../../../manifests/"+overlay); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
	}
	return m.Run()
}

// world is one follower with its own way to the API server.
type world struct {
	*testing.T
	wire    *cluster.Wire
	states  <-chan kube.State
	notices chan error
}

func start(t *testing.T, app cluster.App) *world {
	t.Helper()
	w := &world{T: t, notices: make(chan error, 1000)}
	var err error
	if w.wire, err = api.NewWire(); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w.try(api.Mount(t.Context(), "tcpresume", "tcpresume", dir))
	t.Setenv("KUBERNETES_SERVICE_HOST", w.wire.Host)
	t.Setenv("KUBERNETES_SERVICE_PORT", w.wire.Port)
	client, err := kube.InCluster(dir)
	w.try(err)
	ctx, cancel := context.WithCancel(context.Background())
	target := kube.Target{Application: app.Name, Namespace: app.Namespace, Node: app.Node}
	w.states = client.Follow(ctx, target, func(err error) { w.notices <- err })
	t.Cleanup(func() {
		cancel()
		for range w.states {
		}
		if err := w.wire.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func (w *world) try(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// expect waits for the next state, which must be this one; its object's name is the operator's.
func (w *world) expect(load kube.LoadStatus, programs ...kube.Program) {
	w.Helper()
	got := <-w.states
	want := kube.State{Object: got.Object, Load: load, Programs: programs}
	if !got.Exists() || !reflect.DeepEqual(got, want) {
		w.Fatalf("delivered %+v, want %+v", got, want)
	}
}

func (w *world) expectNone() {
	w.Helper()
	if got := <-w.states; got.Exists() {
		w.Fatalf("delivered %+v, want none", got)
	}
}

// remove takes a state object away as the operator does, at the end of a test too.
func (w *world) remove(app cluster.App) {
	w.Helper()
	w.try(api.DeleteState(context.Background(), app))
	w.try(api.ReleaseState(context.Background(), app))
}
