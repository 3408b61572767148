// SPDX-License-Identifier: Apache-2.0

package follow

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/kube"
	"github.com/tcpresume/tcpresume/test/kube/cluster"
)

func program(id uint32) cluster.Loaded {
	return cluster.Loaded{Name: "tcp_resume", Type: "TracePoint", ID: id}
}

func seen(id uint32) kube.Program {
	return kube.Program{Name: "tcp_resume", Type: "TracePoint", ID: id}
}

func TestFromCreationToDeletion(t *testing.T) {
	ctx := t.Context()
	app := cluster.App{Name: "tcpresume", Node: "life"}
	w := start(t, app)
	w.expectNone()
	w.try(api.CreateState(ctx, app))
	w.expect("")
	w.try(api.SetState(ctx, app, "NotLoaded", program(0)))
	w.expect("NotLoaded", seen(0))
	w.try(api.SetState(ctx, app, "LoadSuccess", program(7)))
	w.expect(kube.LoadSuccess, seen(7))

	for _, other := range []cluster.App{{Name: "tcpresume", Node: "other"}, {Name: "another", Node: "life"}} {
		w.try(api.CreateState(ctx, other))
		w.try(api.SetState(ctx, other, "LoadSuccess", program(1)))
		defer w.remove(other)
	}
	w.try(api.SetState(ctx, app, "LoadSuccess", program(7))) // only its updateCount differs
	w.try(api.SetState(ctx, app, "LoadSuccess", program(8)))
	w.expect(kube.LoadSuccess, seen(8))

	w.try(api.DeleteState(ctx, app))
	if got := <-w.states; !got.Deleting || got.Ready() == nil {
		t.Errorf("during the deletion: %+v", got)
	}
	w.try(api.ReleaseState(ctx, app))
	w.expectNone()
}

func TestANamespacedApplication(t *testing.T) {
	ctx := t.Context()
	app := cluster.App{Name: "tcpresume", Namespace: "tcpresume", Node: "spaced"}
	w := start(t, app)
	w.expectNone()
	w.try(api.CreateState(ctx, app))
	w.expect("")
	w.try(api.SetState(ctx, app, "LoadSuccess", cluster.Loaded{Name: "tcp_resume", Type: "TCX", ID: 9}))
	w.expect(kube.LoadSuccess, kube.Program{Name: "tcp_resume", Type: "TCX", ID: 9})
	w.remove(app)
}

func TestTheAPIServerRestarts(t *testing.T) {
	for name, kill := range map[string]bool{"gently": false, "killed": true} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			app := cluster.App{Name: "tcpresume", Node: name}
			w := start(t, app)
			w.expectNone()
			w.try(api.CreateState(ctx, app))
			w.expect("")
			w.try(api.SetState(ctx, app, "LoadSuccess", program(1)))
			w.expect(kube.LoadSuccess, seen(1))

			w.try(api.StopServer(kill))
			t.Logf("noticed: %v", <-w.notices)
			w.try(api.StartServer(ctx))
			w.try(api.SetState(ctx, app, "LoadSuccess", program(2)))
			w.expect(kube.LoadSuccess, seen(2)) // and nothing in between: not gone, not loaded anew
			w.remove(app)
		})
	}
}

// While the way is cut the world moves on, and the server that comes back
// remembers none of it.
func TestAVersionThatExpired(t *testing.T) {
	ctx := t.Context()
	app := cluster.App{Name: "tcpresume", Node: "late"}
	w := start(t, app)
	w.expectNone()
	w.try(api.CreateState(ctx, app))
	w.expect("")
	w.wire.Cut()
	for i := range uint32(3) {
		w.try(api.SetState(ctx, app, "LoadSuccess", program(10+i)))
	}
	w.try(api.StopServer(true))
	w.try(api.StartServer(ctx))
	w.wire.Mend()
	w.expect(kube.LoadSuccess, seen(12))
	gone(t, w)
	w.remove(app)
}

// gone waits for the notice that a version had expired.
func gone(t *testing.T, w *world) {
	t.Helper()
	var all []string
	for {
		select {
		case err := <-w.notices:
			all = append(all, err.Error())
			var no *kube.Refused
			if errors.As(err, &no) && no.Code == http.StatusGone {
				t.Log(err)
				return
			}
		default:
			t.Fatalf("the version had not expired: %s", strings.Join(all, "\n"))
		}
	}
}

func TestRightsThatAreTakenAway(t *testing.T) {
	ctx := t.Context()
	app := cluster.App{Name: "tcpresume", Node: "rights"}
	w := start(t, app)
	w.expectNone()
	w.try(api.CreateState(ctx, app))
	w.expect("")
	binding, err := api.Kubectl(ctx, "", "get", "clusterrolebinding", "tcpresume", "-o", "yaml")
	w.try(err)
	_, err = api.Kubectl(ctx, "", "delete", "clusterrolebinding", "tcpresume")
	w.try(err)
	w.wire.Cut() // a watch that is open stays open
	w.wire.Mend()
	for {
		var no *kube.Refused
		if err := <-w.notices; errors.As(err, &no) {
			if no.Code != http.StatusForbidden || !strings.Contains(err.Error(), "rbac.yaml") {
				t.Errorf("refused with %v", err)
			}
			break
		}
	}
	w.try(api.SetState(ctx, app, "LoadError"))
	_, err = api.Kubectl(ctx, fmt.Sprintf("%s\n", binding), "create", "-f", "-")
	w.try(err)
	w.expect(kube.LoadError)
	w.remove(app)
}
