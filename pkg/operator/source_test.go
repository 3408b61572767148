// SPDX-License-Identifier: Apache-2.0

package operator

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/tcpresume/tcpresume/pkg/bpfman"
	"github.com/tcpresume/tcpresume/pkg/kube"
)

func source() *Source {
	return &Source{first: make(chan struct{}), changed: make(chan struct{}, 1)}
}

func TestWhatAStateClaims(t *testing.T) {
	loaded := kube.State{Object: "app-1", Load: kube.LoadSuccess, Programs: []kube.Program{{Name: "tcp_resume", ID: 7}, {Name: "resume_watch", ID: 8}}}
	with := func(change func(*kube.State)) kube.State {
		s := loaded
		s.Programs = append([]kube.Program(nil), loaded.Programs...)
		change(&s)
		return s
	}
	for name, c := range map[string]struct {
		state   kube.State
		claims  []bpfman.Claim
		waiting bool
	}{
		"loaded":       {loaded, []bpfman.Claim{{ID: 7, Name: "tcp_resume"}, {ID: 8, Name: "resume_watch"}}, false},
		"none":         {kube.State{}, nil, false},
		"deleting":     {with(func(s *kube.State) { s.Deleting = true }), nil, false},
		"not selected": {with(func(s *kube.State) { s.Load = kube.NotSelected }), nil, false},
		"error":        {with(func(s *kube.State) { s.Load = kube.LoadError }), nil, true},
		"no id yet":    {with(func(s *kube.State) { s.Programs[1].ID = 0 }), nil, true},
		"no status":    {kube.State{Object: "app-1"}, nil, true},
	} {
		s := source()
		s.set(c.state)
		claims, err := s.Claims(t.Context())
		if !reflect.DeepEqual(claims, c.claims) || errors.Is(err, bpfman.ErrUnsettled) != c.waiting || (err != nil) != c.waiting {
			t.Errorf("%s: %v, %v", name, claims, err)
		}
	}
}

// Silence is no answer: taking it for one would take everything down.
func TestSilenceIsWaitedFor(t *testing.T) {
	s := source()
	var told []string
	tell := func(text string) { told = append(told, text) }
	for range 3 {
		s.fail(errors.New("connection refused"), tell)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if claims, err := s.Claims(ctx); claims != nil || !errors.Is(err, bpfman.ErrUnsettled) {
		t.Errorf("%v, %v", claims, err)
	}
	if len(told) != 1 {
		t.Errorf("told %q", told)
	}
	s.set(kube.State{})
	s.set(kube.State{Object: "a"}) // before anybody asked: one change is enough
	<-s.Changed()
	select {
	case <-s.Changed():
		t.Error("changed twice")
	default:
	}
}
