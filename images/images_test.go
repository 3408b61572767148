// SPDX-License-Identifier: Apache-2.0

package main

import (
	"debug/buildinfo"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/image"
)

// agentRoot builds the program as "make agent" does, for this machine only.
func agentRoot(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", filepath.Join(dir, runtime.GOARCH, image.AgentProgram), "./cmd/tcpresume")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTwoBuildsMakeOneImage(t *testing.T) {
	t.Chdir("..")
	var digests []string
	for range 2 {
		out := filepath.Join(t.TempDir(), "images", "agent")
		if err := run("v1.2.3", agentRoot(t), out); err != nil {
			t.Fatal(err)
		}
		src, err := image.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		digest, err := src.Digest()
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, digest)
	}
	if digests[0] != digests[1] {
		t.Errorf("digests %v", digests)
	}
}

func TestEveryModuleHasItsLicence(t *testing.T) {
	t.Chdir("..")
	dir := agentRoot(t)
	root := filepath.Join(dir, runtime.GOARCH)
	built, err := buildinfo.ReadFile(filepath.Join(root, image.AgentProgram))
	if err != nil {
		t.Fatal(err)
	}
	if err := writeLicences(root, built); err != nil {
		t.Fatal(err)
	}
	doc := filepath.Join(root, "usr/share/doc/tcpresume")
	names := []string{"LICENSE", "LICENSE.bpf", "go.LICENSE"}
	for _, module := range built.Deps {
		names = append(names, strings.ReplaceAll(module.Path, "/", "_")+".*")
	}
	if len(names) < 10 {
		t.Errorf("the program names %d modules only", len(built.Deps))
	}
	for _, name := range names {
		found, err := filepath.Glob(filepath.Join(doc, name))
		if err != nil || len(found) == 0 {
			t.Errorf("no %s: %v", name, err)
			continue
		}
		if read(t, found[0]) == "" {
			t.Errorf("%s is empty", found[0])
		}
	}
	if err := copyLicences(doc, "nobody/nothing", t.TempDir()); err == nil || !strings.HasPrefix(err.Error(), "nobody/nothing has no licence text in ") {
		t.Error(err)
	}
}

func TestWhatIsNotPacked(t *testing.T) {
	t.Chdir("..")
	if err := run("v1", "/nowhere", "x"); err == nil || !strings.HasSuffix(err.Error(), `"make agent" builds the programs`) {
		t.Error(err)
	}
	dir := t.TempDir()
	if err := run("v1", dir, filepath.Join(dir, "out")); err == nil || !strings.HasPrefix(err.Error(), "no program") {
		t.Error(err)
	}
	if left, _ := os.ReadDir(dir); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestMakefileAndRecipesAgree(t *testing.T) {
	makefile, builder := read(t, "../Makefile"), read(t, "Containerfile.builder")
	line := func(name string) []string {
		found := regexp.MustCompile(`(?m)^` + name + ` := (.*)$`).FindStringSubmatch(makefile)
		if found == nil {
			t.Fatalf("no %s in the Makefile", name)
		}
		return strings.Fields(found[1])
	}
	if got := line("ARCHITECTURES"); !slices.Equal(got, image.Architectures) {
		t.Errorf("make builds %v, images are made for %v", got, image.Architectures)
	}
	shaping := regexp.MustCompile(`^(clang|llvm|libbpf)`) // what only tests need, "make deps" adds
	for _, name := range line("PACKAGES") {
		if shaping.MatchString(name) && !regexp.MustCompile(`[ \n]`+regexp.QuoteMeta(name)+`=\d`).MatchString(builder) {
			t.Errorf("the builder does not pin %s", name)
		}
	}
	wanted := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../go.mod"))
	pinned := regexp.MustCompile(`(?m)^FROM docker\.io/library/golang:(\d+\.\d+)\.\d+-bookworm@sha256:[0-9a-f]{64}$`).FindStringSubmatch(builder)
	if wanted == nil || pinned == nil || wanted[1] != pinned[1] {
		t.Errorf("go.mod wants %v, the builder pins %v", wanted, pinned)
	}
}
