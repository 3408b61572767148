// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// event is a line of "go test -json" (go doc test2json).
type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64 // seconds
}

// outcome is what all steps together came to.
type outcome struct {
	short          bool // matrices were run thinly
	passed, failed int
	skipped        []string // each with its reason
	broken         []string // packages
}

// follow reads the events of one "go test" and tells of each package, and of a
// test only if it failed. What is no event is told as it is.
func (o *outcome) follow(events io.Reader, to io.Writer) error {
	said := make(map[[2]string][]string) // by package and test
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintf(to, "%s\n", lines.Bytes())
			continue
		}
		key := [2]string{e.Package, e.Test}
		switch e.Action {
		case "build-output":
			fmt.Fprint(to, e.Output)
		case "output":
			said[key] = append(said[key], e.Output)
		case "pass", "fail", "skip":
			o.count(e, said[key], to)
			delete(said, key)
		}
	}
	return lines.Err()
}

func (o *outcome) count(e event, said []string, to io.Writer) {
	switch {
	case e.Test != "" && e.Action == "pass":
		o.passed++
	case e.Test != "" && e.Action == "skip":
		o.skipped = append(o.skipped, fmt.Sprintf("%s %s: %s", short(e.Package), e.Test, reason(said)))
	case e.Test != "":
		o.failed++
		fmt.Fprint(to, strings.Join(said, ""))
	case e.Action == "fail":
		o.broken = append(o.broken, e.Package)
		fmt.Fprint(to, strings.Join(said, "")) // of a TestMain, or a panic
		fmt.Fprintf(to, "FAIL\t%s\t%.3fs\n", e.Package, e.Elapsed)
	case e.Action == "pass":
		fmt.Fprintf(to, "ok  \t%s\t%.3fs\n", e.Package, e.Elapsed)
	}
}

// reason is what a test said before it was skipped, without the file's name.
func reason(said []string) string {
	for _, line := range said {
		line = strings.TrimSpace(line)
		if strings.HasPrefix(line, "===") || strings.HasPrefix(line, "---") {
			continue
		}
		if _, text, found := strings.Cut(line, ": "); found {
			return text
		}
	}
	return "it does not say why"
}

func short(path string) string {
	return strings.TrimPrefix(path, "github.com/tcpresume/tcpresume/")
}
