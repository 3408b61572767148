// SPDX-License-Identifier: Apache-2.0

package kube

import (
	"bytes"
	"testing"
)

// Whatever a server sends, each state is told once, and the last that was told is
// what the events amount to.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(change("ADDED", app("a", "1", "LoadSuccess", 1)) + change("MODIFIED", app("a", "2", "LoadError")) + change("DELETED", app("a", "3", ""))))
	f.Add([]byte(change("BOOKMARK", `{"metadata":{"resourceVersion":"9"}}`) + `{"type":"ERROR","object":{"code":410}}`))
	f.Add([]byte(change("ADDED", app("a", "1", "LoadSuccess", 1, 2)) + `{"type":"ADDED","object":{"metadata":{"uid":"b","deletionTimestamp":"2026-01-01T00:00:00Z"}}}`))
	f.Fuzz(func(t *testing.T, stream []byte) {
		var told []State
		follow := follower{target: target, known: objects{}, version: "1", deliver: func(s State) { told = append(told, s) }}
		err := follow.events(bytes.NewReader(stream))
		for i := 1; i < len(told); i++ {
			if told[i-1].equal(told[i]) {
				t.Fatalf("%q told %+v twice", stream, told[i])
			}
		}
		if len(told) > 0 && !told[len(told)-1].equal(follow.known.state()) {
			t.Fatalf("%q told %+v, and it is %+v (%v)", stream, told[len(told)-1], follow.known.state(), err)
		}
	})
}
