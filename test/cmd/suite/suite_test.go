// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/test/check"
)

const root = "../../.."

// TestNoPackageIsForgotten holds every package that has tests, of every module,
// against the steps: each is in one, or run by a command that the end names.
func TestNoPackageIsForgotten(t *testing.T) {
	tested := func(dir string, patterns ...string) []string {
		t.Helper()
		list := exec.Command("go", append([]string{"list", "-f", "{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}}{{end}}"}, patterns...)...)
		list.Dir = filepath.Join(root, dir)
		out, err := list.Output()
		check.Must(t, err)
		return strings.Fields(string(out))
	}
	covered := make(map[string]int)
	for _, s := range steps() {
		if !s.long || s.dir == "test" { // the others are whole modules, and large
			for _, path := range tested(s.dir, s.packages...) {
				covered[path]++
			}
		}
	}
	for path := range elsewhere {
		for _, path := range tested("test", path) {
			covered[path]++
		}
	}
	for _, dir := range []string{".", "test"} {
		for _, path := range tested(dir, "./...") {
			if covered[path] != 1 {
				t.Errorf("%s is run %d times", path, covered[path])
			}
		}
	}
	modules, err := filepath.Glob(filepath.Join(root, "examples", "*", "go.mod"))
	check.Must(t, err)
	for _, module := range modules {
		dir := "examples/" + filepath.Base(filepath.Dir(module))
		if !slices.ContainsFunc(steps(), func(s step) bool { return s.dir == dir && s.packages[0] == "./..." }) {
			t.Errorf("no step runs %s", dir)
		}
	}
}

func TestEventsAreCountedAndToldWhereTheyMatter(t *testing.T) {
	events := strings.Join([]string{
		`{"Action":"run","Package":"github.com/tcpresume/tcpresume/test/a","Test":"TestGood"}`,
		`{"Action":"output","Package":"github.com/tcpresume/tcpresume/test/a","Test":"TestGood","Output":"quiet words\n"}`,
		`{"Action":"pass","Package":"github.com/tcpresume/tcpresume/test/a","Test":"TestGood","Elapsed":0.1}`,
		`{"Action":"output","Package":"github.com/tcpresume/tcpresume/test/a","Test":"TestPoor","Output":"=== RUN   TestPoor\n"}`,
		`{"Action":"output","Package":"github.com/tcpresume/tcpresume/test/a","Test":"TestPoor","Output":"    a_test.go:7: no released bpfman: install Rust\n"}`,
		`{"Action":"skip","Package":"github.com/tcpresume/tcpresume/test/a","Test":"TestPoor"}`,
		`{"Action":"output","Package":"github.com/tcpresume/tcpresume/test/a","Test":"TestBad","Output":"    a_test.go:9: got 1, want 2\n"}`,
		`{"Action":"fail","Package":"github.com/tcpresume/tcpresume/test/a","Test":"TestBad"}`,
		`{"Action":"output","Package":"github.com/tcpresume/tcpresume/test/a","Output":"panic: what TestMain says\n"}`,
		`{"Action":"fail","Package":"github.com/tcpresume/tcpresume/test/a","Elapsed":1.5}`,
		`{"Action":"pass","Package":"github.com/tcpresume/tcpresume/test/b","Elapsed":2}`,
		`{"Action":"skip","Package":"github.com/tcpresume/tcpresume/test/without"}`,
		`{"ImportPath":"github.com/tcpresume/tcpresume/test/c","Action":"build-output","Output":"./c.go:1: syntax error\n"}`,
		`{"Action":"fail","Package":"github.com/tcpresume/tcpresume/test/c","FailedBuild":"github.com/tcpresume/tcpresume/test/c"}`,
		"no event",
	}, "\n")
	var o outcome
	var told bytes.Buffer
	check.Must(t, o.follow(strings.NewReader(events), &told))
	check.Same(t, "told", told.String(), "    a_test.go:9: got 1, want 2\n"+
		"panic: what TestMain says\nFAIL\tgithub.com/tcpresume/tcpresume/test/a\t1.500s\n"+
		"ok  \tgithub.com/tcpresume/tcpresume/test/b\t2.000s\n"+
		"./c.go:1: syntax error\nFAIL\tgithub.com/tcpresume/tcpresume/test/c\t0.000s\n"+
		"no event\n")
	check.Same(t, "counts", fmt.Sprint(o.passed, o.failed, len(o.broken)), "1 1 2")
	check.Same(t, "skipped", o.skipped, []string{"test/a TestPoor: no released bpfman: install Rust"})
}

func TestTheEndNamesWhatWasNotRun(t *testing.T) {
	o := outcome{skipped: []string{"test/a TestPoor: no Rust"}, short: true}
	var quick, all bytes.Buffer
	o.close(&quick, choice(false, ""))
	o.short = false
	o.close(&all, choice(true, ""))
	for text, thin := range map[string]bool{quick.String(): true, all.String(): false} {
		check.Same(t, "combinations are named", strings.Contains(text, "combinations"), thin)
	}
	for _, s := range steps() {
		if named := strings.Contains(quick.String(), s.name); named != s.long {
			t.Errorf("%s: named %v, not run %v", s.name, named, s.long)
		}
		if strings.Contains(all.String(), s.name) {
			t.Errorf("%s is named although it was run", s.name)
		}
	}
	for _, text := range []string{quick.String(), all.String()} {
		for _, want := range []string{"skipped: test/a TestPoor: no Rust\n", "make test-faults", "make test-node", "make test-signature", "make test-kernels", "make fuzz"} {
			if !strings.Contains(text, want) {
				t.Errorf("%q is missing in\n%s", want, text)
			}
		}
	}
	if !strings.Contains(quick.String(), "(make test-all)") {
		t.Errorf("the command is missing in\n%s", quick.String())
	}
}
