// SPDX-License-Identifier: Apache-2.0

package jsonline

import (
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func TestLines(t *testing.T) {
	const size = 32
	for text, want := range map[string][]string{
		"":                             nil,
		"one\ntwo":                     {"one", "two"},
		"\ufeffone\r\n\n  \ufefftwo\n": {"one", "", "two"},
		"one\n" + strings.Repeat("x", size) + "\ntwo\n":       {"one", strings.Repeat("x", size), "two"},
		"one\n" + strings.Repeat("x", 5*size+3) + "\ntwo\n":   {"one", strings.Repeat("x", size), "two"},
		strings.Repeat("x", size-1) + "\ntwo\n":               {strings.Repeat("x", size-1), "two"},
		"one\n" + strings.Repeat("x", 2*size):                 {"one", strings.Repeat("x", size)},
		strings.Repeat("x", 3*size) + "\n" + "\x00\n\xff\xfe": {strings.Repeat("x", size), "\x00", "\xff\xfe"},
	} {
		for _, from := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text))} {
			var got []string
			lines := NewLines(from, size)
			line, err := lines.Next()
			for ; err == nil; line, err = lines.Next() {
				got = append(got, string(line))
			}
			if err != io.EOF || !slices.Equal(got, want) {
				t.Errorf("%q became %q, %v, want %q", text, got, err, want)
			}
		}
	}
}
