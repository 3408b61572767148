// SPDX-License-Identifier: Apache-2.0

package law

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	root     = "../.."
	maxLines = 400
)

var (
	generated  = regexp.MustCompile(`^// Code generated .* DO NOT EDIT\.`)
	unfinished = regexp.MustCompile(`\b(TODO|FIXME|XXX)\b`)
	bpfProgram = regexp.MustCompile(`(?m)^(?:int|void|__u32) (?:BPF_PROG\()?(\w+)[,(]`)
)

// sources are the files that people write, as git sees them, or the tree itself outside a checkout.
func sources(t *testing.T) []string {
	t.Helper()
	list := exec.Command("git", "ls-files", "--cached", "--others", "--exclude-standard")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatalf("git ls-files: %v", err)
	}
	var files []string
	for _, name := range strings.Fields(string(out)) {
		switch filepath.Ext(name) {
		case ".go", ".c", ".h":
			files = append(files, name)
		}
	}
	return files
}

func TestFilesAreShortFinishedAndLicensed(t *testing.T) {
	for _, name := range sources(t) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if os.IsNotExist(err) || generated.Match(text) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "\n"); n > maxLines {
			t.Errorf("%s has %d lines, %d are allowed: split it by job", name, n, maxLines)
		}
		if !strings.Contains(strings.SplitN(string(text), "\n", 2)[0], "SPDX-License-Identifier") {
			t.Errorf("%s does not begin with its licence", name)
		}
		if name != "test/law/source_test.go" && unfinished.Match(text) {
			t.Errorf("%s has an unfinished place", name)
		}
	}
}

func TestEachPackageSaysWhatItIs(t *testing.T) {
	dirs := make(map[string]bool)
	for _, name := range sources(t) {
		if strings.HasSuffix(name, ".go") {
			dirs[filepath.Dir(name)] = true
		}
	}
	for dir := range dirs {
		text, err := os.ReadFile(filepath.Join(root, dir, "doc.go"))
		if err != nil {
			t.Errorf("%s has no doc.go", dir)
			continue
		}
		for _, word := range []string{"owns", "refuses", "->"} {
			if !strings.Contains(string(text), word) {
				t.Errorf("%s/doc.go does not say what it owns and refuses and where its arrows go: %q is missing", dir, word)
			}
		}
	}
}

// The kernel cuts names of programs at 15 characters, and managers compare them.
func TestProgramNamesFitTheKernel(t *testing.T) {
	objects, err := filepath.Glob(filepath.Join(root, "bpf", "*.bpf.c"))
	if err != nil || len(objects) == 0 {
		t.Fatalf("no objects in bpf/: %v", err)
	}
	for _, object := range objects {
		text, err := os.ReadFile(object)
		if err != nil {
			t.Fatal(err)
		}
		names := bpfProgram.FindAllStringSubmatch(string(text), -1)
		if len(names) == 0 {
			t.Errorf("%s: no program found", object)
		}
		for _, name := range names {
			if len(name[1]) > 15 {
				t.Errorf("%s: %s has %d characters, 15 are allowed", object, name[1], len(name[1]))
			}
		}
	}
}
