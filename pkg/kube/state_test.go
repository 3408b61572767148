// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"encoding/json"
	"errors"
	"testing"
)

func parse(t *testing.T, text string) object {
	t.Helper()
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestReadySaysWhyNot(t *testing.T) {
	for name, s := range map[string]State{
		"none":               {},
		"deleting":           parse(t, `{"metadata":{"name":"a","deletionTimestamp":"2026-01-01T00:00:00Z"},"status":{"appLoadStatus":"LoadSuccess"}}`).state(),
		"error":              parse(t, `{"metadata":{"name":"a"},"status":{"appLoadStatus":"LoadError","conditions":[{"message":"no image"}]}}`).state(),
		"skipped":            parse(t, `{"metadata":{"name":"a"},"status":{"appLoadStatus":"NotSelected"}}`).state(),
		"no id":              parse(t, `{"metadata":{"name":"a"},"status":{"appLoadStatus":"LoadSuccess","programs":[{"name":"p","type":"TracePoint"}]}}`).state(),
		"of another version": parse(t, `{"metadata":{"name":"a"},"status":{"appLoadStatus":"LoadSuccess","loaded":[{"name":"p","id":7}]}}`).state(),
		"fresh":              parse(t, `{"metadata":{"name":"a"}}`).state(),
	} {
		if err := s.Ready(); !errors.Is(err, ErrNotReady) {
			t.Errorf("%s: %v, want ErrNotReady", name, err)
		}
	}
	if err := loaded("a", 7).Ready(); err != nil {
		t.Error(err)
	}
}

func TestOfSeveralObjectsTheNewestThatStaysCounts(t *testing.T) {
	all := make(objects)
	for _, text := range []string{
		`{"metadata":{"name":"old","uid":"1","creationTimestamp":"2026-01-01T00:00:00Z"}}`,
		`{"metadata":{"name":"going","uid":"2","creationTimestamp":"2026-01-03T00:00:00Z","deletionTimestamp":"2026-01-04T00:00:00Z"}}`,
		`{"metadata":{"name":"new","uid":"3","creationTimestamp":"2026-01-02T00:00:00Z"}}`,
	} {
		o := parse(t, text)
		all[o.Metadata.UID] = o
	}
	if got := all.state().Object; got != "new" {
		t.Errorf("chose %s, want new", got)
	}
}
