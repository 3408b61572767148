// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"
)

var target = Target{Application: "app", Node: "node-1"}

func loaded(uid string, id uint32) State {
	return State{Object: "app-" + uid, Load: LoadSuccess, Programs: []Program{{Name: "p0", Type: "TracePoint", ID: id}}}
}

func expect(t *testing.T, states <-chan State, want State) {
	t.Helper()
	if got := <-states; !reflect.DeepEqual(got, want) {
		t.Fatalf("delivered %+v, want %+v", got, want)
	}
}

func follow(t *testing.T, s *scripted, notice func(error)) <-chan State {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	states := s.client().Follow(ctx, target, notice)
	t.Cleanup(func() {
		cancel()
		for range states {
		}
	})
	return states
}

func asks(t *testing.T, s *scripted, want ...string) {
	t.Helper()
	for _, version := range want {
		r := <-s.asked
		got := r.FormValue("resourceVersion")
		if version == "list" && r.FormValue("watch") == "" {
			continue
		}
		if got != version {
			t.Fatalf("asked for %s, want %s", r.URL, version)
		}
	}
}

func TestAWatchIsResumedWhereItEnded(t *testing.T) {
	s := serve(t, list("10"),
		events(false, change("ADDED", app("a", "11", "LoadSuccess", 1)), change("BOOKMARK", `{"metadata":{"resourceVersion":"20"}}`)),
		events(false, change("MODIFIED", app("a", "21", "LoadSuccess", 2))),
		events(true, change("DELETED", app("a", "22", "LoadSuccess", 2))))
	states := follow(t, s, nil)
	asks(t, s, "list", "10", "20", "21")
	var all []State
	for state := range states {
		if all = append(all, state); len(all) > 1 && !state.Exists() {
			break
		}
	}
	if last := all[len(all)-1]; last.Exists() {
		t.Errorf("after the deletion: %+v", last)
	}
}

func TestTheRequest(t *testing.T) {
	s := serve(t, list("10"), events(true))
	states := follow(t, s, nil)
	expect(t, states, State{})
	r := <-s.asked
	if got, want := r.URL.Path, "/apis/bpfman.io/v1alpha1/clusterbpfapplicationstates"; got != want {
		t.Errorf("path %s, want %s", got, want)
	}
	if got, want := r.FormValue("labelSelector"), "bpfman.io/ownedByProgram=app,kubernetes.io/hostname=node-1"; got != want {
		t.Errorf("selector %s, want %s", got, want)
	}
	if got, want := r.Header.Get("Authorization"), "Bearer secret"; got != want {
		t.Errorf("authorization %s, want %s", got, want)
	}
	if got, want := strings.Join(Target{Namespace: "ns"}.path(), "/"), "apis/bpfman.io/v1alpha1/namespaces/ns/bpfapplicationstates"; got != want {
		t.Errorf("path in a namespace %s, want %s", got, want)
	}
}

func TestAnOldVersionIsListedAgain(t *testing.T) {
	gone := `{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old resource version"}}`
	for name, answer := range map[string]http.HandlerFunc{
		"in the stream": events(false, gone),
		"as the answer": refuse(http.StatusGone, "too old resource version"),
		"from ahead":    refuse(http.StatusGatewayTimeout, "Too large resource version"),
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, list("10", app("a", "9", "LoadSuccess", 1)), answer, list("99", app("a", "98", "LoadSuccess", 2)), events(true))
			noticed := make(chan error, 10)
			states := follow(t, s, func(err error) { noticed <- err })
			asks(t, s, "list", "10", "list", "99")
			for state := range states {
				if reflect.DeepEqual(state, loaded("a", 2)) {
					break
				}
			}
			var no *Refused
			if err := <-noticed; !errors.As(err, &no) {
				t.Errorf("noticed %v, want a refusal", err)
			}
		})
	}
}

func TestRubbishIsListedAgainAndKeepsTheState(t *testing.T) {
	for _, line := range []string{`<html>`, `{"type":"SURPRISE","object":{}}`, `{"type":"MODIFIED","object":[]}`, `{"type":"ERROR","object":7}`} {
		s := serve(t, list("10", app("a", "9", "LoadSuccess", 1)), events(false, line), list("11", app("a", "9", "LoadSuccess", 1)), events(true))
		noticed := make(chan error, 10)
		states := follow(t, s, func(err error) { noticed <- err })
		expect(t, states, loaded("a", 1))
		if err := <-noticed; err == nil {
			t.Errorf("%s: not noticed", line)
		}
		asks(t, s, "list", "10", "list", "11")
		select {
		case state := <-states:
			t.Errorf("%s: delivered %+v", line, state)
		default:
		}
	}
}

func TestABrokenConnectionIsResumed(t *testing.T) {
	cut := func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprint(w, change("MODIFIED", app("a", "11", "LoadSuccess", 2)), `{"type":"MODIF`)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	s := serve(t, list("10", app("a", "9", "LoadSuccess", 1)), cut, events(true))
	states := follow(t, s, nil)
	asks(t, s, "list", "10", "11")
	for state := range states {
		if reflect.DeepEqual(state, loaded("a", 2)) {
			break
		}
	}
}

func TestRefusalsSayWhatToDo(t *testing.T) {
	for code, want := range map[int]string{
		http.StatusUnauthorized: "token",
		http.StatusForbidden:    "rbac.yaml",
		http.StatusNotFound:     "install bpfman-operator",
	} {
		s := serve(t, refuse(code, "no"))
		_, err := s.client().Get(t.Context(), target)
		var no *Refused
		if !errors.As(err, &no) || no.Code != code || !strings.Contains(err.Error(), want) {
			t.Errorf("%d: %v, want %q in it", code, err, want)
		}
	}
}

func TestARedirectDoesNotGetTheToken(t *testing.T) {
	thief := serve(t, list("1"))
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, thief.URL, http.StatusFound) })
	if _, err := s.client().Get(t.Context(), target); err == nil || !strings.Contains(err.Error(), "redirects") {
		t.Errorf("got %v", err)
	}
	if len(thief.asked) != 0 {
		t.Error("the redirect was followed")
	}
}

func TestASlowReceiverGetsTheLatest(t *testing.T) {
	in, out := make(chan State), make(chan State)
	go conflate(in, out)
	for id := range uint32(100) {
		in <- loaded("a", id)
	}
	expect(t, out, loaded("a", 99))
	close(in)
	if s, ok := <-out; ok {
		t.Errorf("delivered %+v after the end", s)
	}
}
