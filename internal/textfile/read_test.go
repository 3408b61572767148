// SPDX-License-Identifier: Apache-2.0

package textfile

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestRead(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	for text, want := range map[string]string{"": "", "a\r\n": "a\r\n", "\ufeffa\n": "a\n", "\xff\xfea\x00": "UTF-16", "\xfe\xff\x00a": "UTF-16"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Read(name)
		if utf16 := want == "UTF-16"; utf16 != errors.Is(err, ErrUTF16) || !utf16 && (err != nil || string(got) != want) {
			t.Errorf("%q became %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := Read(name + "-missing"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
}
