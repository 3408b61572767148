// SPDX-License-Identifier: Apache-2.0

package faults

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/check"
)

// objects are what bytecode embeds, by source.
var objects = map[string]string{
	"resume": "kernel", "cc_cubic": "cubic", "cc_reno": "reno", "cc_bbr": "bbr", "handback": "handback",
}

// otherVersion is tcpresume with these objects compiled to other instructions,
// for a newer BPF instruction set (Linux 6.6), as another version's would be.
func otherVersion(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	multiarch, err := exec.Command("gcc", "-print-multiarch").Output()
	check.Must(t, err)
	root, err := filepath.Abs("../..")
	check.Must(t, err)
	replaced := make(map[string]string)
	for source, stem := range objects {
		name := stem + "_bpfel.o"
		object := filepath.Join(dir, name)
		run(t, root, "clang-19", "-O2", "-g", "-Wall", "-Werror", "-mcpu=v4", "-target", "bpfel",
			"-I/usr/include/"+strings.TrimSpace(string(multiarch)), "-c", filepath.Join(root, "bpf", source+".bpf.c"), "-o", object)
		run(t, root, "llvm-strip-19", "-g", object)
		replaced[filepath.Join(root, "bytecode", name)] = object
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	check.Must(t, err)
	list := filepath.Join(dir, "overlay.json")
	check.Must(t, os.WriteFile(list, overlay, 0o600))
	other := filepath.Join(dir, "tcpresume")
	run(t, root, "go", "build", "-overlay", list, "-o", other, "./cmd/tcpresume")
	return other
}

func run(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func TestUpgradeAndDowngrade(t *testing.T) {
	other := otherVersion(t)
	s := newSite(t, "upgrade and downgrade to objects of other instructions", 0)
	a := s.agent(t)
	defer a.Kill()
	reports := startReporting(s)
	defer reports.stop()
	before, err := loader.Inspect(s.Options)
	check.Must(t, err)
	for i := range 20 {
		version := []string{other, program}[i%2]
		cmd := s.command("up", "--detach")
		cmd.Path, cmd.Args[0] = version, version
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		now, err := loader.Inspect(s.Options)
		check.Must(t, err)
		if now.Outdated != (version == other) || (now.Program.Tag == before.Program.Tag) != (version == program) {
			t.Fatalf("round %d: tag %s, outdated %v; this version's is %s", i, now.Program.Tag, now.Outdated, before.Program.Tag)
		}
		s.row.Times++
		s.keep(int(reports.answered.Load()))
		s.replaced(t)
		s.check(t)
	}
	s.keep(reports.stop())
	s.check(t)
	check.Must(t, a.Stop())
}

// replaced takes the links of the watchers, which an upgrade makes anew, for
// the known ones; there may not be more of them.
func (s *site) replaced(t *testing.T) {
	t.Helper()
	now := s.nowHeld(t)
	if len(now.links) != len(s.held.links) {
		t.Errorf("links %v became %v", s.held.links, now.links)
		s.row.Links += max(0, len(now.links)-len(s.held.links))
	}
	s.held = now
}
