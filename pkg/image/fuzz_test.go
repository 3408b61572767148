// SPDX-License-Identifier: Apache-2.0

package image

import (
	"errors"
	"maps"
	"testing"
)

// What passes for an object can be labelled: the labels say what it holds.
func FuzzParseObject(f *testing.F) {
	f.Add([]byte("\x7fELF")) // and objects of one program and one map, in testdata; ours are too large to be changed often
	f.Fuzz(func(t *testing.T, content []byte) {
		object, err := ParseObject(content)
		if err != nil {
			if !errors.Is(err, ErrNotBPF) {
				t.Fatalf("%v", err)
			}
			return
		}
		for label, held := range map[string]map[string]string{LabelPrograms: object.Programs, LabelMaps: object.Maps} {
			said, err := parseLabel(object.Labels()[label])
			if err != nil || !maps.Equal(said, held) {
				t.Fatalf("%s says %v, %v; the object holds %v", label, said, err, held)
			}
		}
	})
}

// A label that is read is the same when written again.
func FuzzParseLabel(f *testing.F) {
	f.Add(`{"tcp_resume":"sock_ops"}`)
	f.Add(`{}`)
	f.Add(`null`)
	f.Fuzz(func(t *testing.T, text string) {
		types, err := parseLabel(text)
		if err != nil {
			return
		}
		again, err := parseLabel(labelOf(types))
		if err != nil || !maps.Equal(again, types) {
			t.Fatalf("%q gave %v, then %v, %v", text, types, again, err)
		}
	})
}
