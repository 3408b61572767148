// SPDX-License-Identifier: Apache-2.0

package supply

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Who builds the same sources elsewhere gets the same program, and the objects
// that are committed are those that the sources make.
func TestTwoBuildsAreEqual(t *testing.T) {
	var first tree
	for i, dir := range []string{"a", "much/longer/directory"} {
		here := tree(filepath.Join(t.TempDir(), dir))
		copyTo(t, string(here))
		here.run(t, "make", "build", "VERSION=v1")
		if i == 0 {
			first = here
			continue
		}
		here.run(t, "make", "generate")
		if !bytes.Equal(first.read(t, "bin/tcpresume"), here.read(t, "bin/tcpresume")) {
			t.Error("bin/tcpresume differs by where it was built")
		}
		objects, err := filepath.Glob(filepath.Join(string(first), "bytecode", "*.o"))
		if err != nil || len(objects) == 0 {
			t.Fatalf("no objects: %v", err)
		}
		for _, object := range objects {
			name := filepath.Join("bytecode", filepath.Base(object))
			if !bytes.Equal(first.read(t, name), here.read(t, name)) {
				t.Errorf("%s is not what the sources make in another directory", name)
			}
		}
	}
}

type tree string

func (here tree) run(t *testing.T, words ...string) {
	t.Helper()
	cmd := exec.Command(words[0], words[1:]...)
	cmd.Dir = string(here)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}

func (here tree) read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(string(here), name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// copyTo copies what git knows of, as a checkout has it.
func copyTo(t *testing.T, dir string) {
	t.Helper()
	list := exec.Command("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	names, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		content, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, content, info.Mode()); err != nil {
			t.Fatal(err)
		}
	}
}
