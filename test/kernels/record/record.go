// SPDX-License-Identifier: Apache-2.0

package record

import (
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/tcpresume/tcpresume/test/kernels/feature"
)

// Where the machine finds things, and where it says what happens.
const (
	PlanFile = "/plan.json"
	Programs = "/tests"
	Port     = "/dev/ttyS1"
)

// Plan is what one boot does.
type Plan struct {
	Programs string // directory of the test programs
	Emulated bool
	Suites   []Suite
}

// Suite is one test program and what of it is left out.
type Suite struct {
	Package string // directory in the repository
	Timeout string // as -test.timeout
	Run     string // as -test.run; empty: all
	Omit    []Omission
	Expect  []Expectation
}

// Program names the suite's file.
func (s Suite) Program() string { return path.Base(s.Package) + ".test" }

// Omission leaves tests out for a reason: where the probe of a feature fails,
// or, without a feature, where the machine is emulated.
type Omission struct {
	Feature string
	Tests   string // as -test.skip
	Why     string
}

// Applies tells whether the tests are left out on a kernel.
func (o Omission) Applies(emulated bool, found []feature.Result) bool {
	if o.Feature == "" {
		return emulated
	}
	for _, r := range found {
		if r.Name == o.Feature {
			return !r.Works
		}
	}
	return false
}

// Expectation is that tests fail where the probe of a feature fails. Every other
// failure is one, and so is it if none of these tests fails.
type Expectation struct {
	Feature string
	Tests   string // matches whole names, as in "TestX/bbr"
	Why     string
}

// Applies tells whether the tests are expected to fail on a kernel.
func (e Expectation) Applies(found []feature.Result) bool {
	return Omission{Feature: e.Feature}.Applies(false, found)
}

// Unexpected are those failures that no expectation names: a test with subtests
// fails for them.
func Unexpected(failed []string, expected []Expectation) (all []string) {
	for _, name := range failed {
		below := func(other string) bool { return strings.HasPrefix(other, name+"/") }
		if slices.ContainsFunc(failed, below) || slices.ContainsFunc(expected, func(e Expectation) bool { return e.matches(name) }) {
			continue
		}
		all = append(all, name)
	}
	return all
}

func (e Expectation) matches(name string) bool {
	matched, err := regexp.MatchString(e.Tests, name)
	return err == nil && matched
}

// Among are the failures that an expectation names.
func (e Expectation) Among(failed []string) (all []string) {
	for _, name := range failed {
		if e.matches(name) {
			all = append(all, name)
		}
	}
	return all
}

// verdict is a line that the framework writes about a test; -test.v=test2json
// puts a mark before it, so that no output of a test can be taken for one.
var verdict = regexp.MustCompile("\x16 *--- (PASS|FAIL|SKIP): (\\S+)")

// Verdict takes the outcome and the name of a test from a line, if it tells them.
func Verdict(line string) (outcome, test string) {
	match := verdict.FindStringSubmatch(line)
	if match == nil {
		return "", ""
	}
	return match[1], match[2]
}

// At is where a plan's program of a suite is.
func (p Plan) At(s Suite) string { return filepath.Join(p.Programs, s.Program()) }

// Record is one happening; the fields that belong to it are set.
type Record struct {
	Kernel   string           `json:",omitempty"` // uname -r, first of all
	Features []feature.Result `json:",omitempty"`
	Runtime  *feature.Runtime `json:",omitempty"`
	Package  string           `json:",omitempty"`
	Omitted  []Omission       `json:",omitempty"` // before a suite begins
	Expected []Expectation    `json:",omitempty"` // likewise
	Again    string           `json:",omitempty"` // a test is run once more
	Line     string           `json:",omitempty"` // of a test program's output
	Exit     *int             `json:",omitempty"` // of a test program
	Failure  string           `json:",omitempty"` // of the machine itself
	Done     bool             `json:",omitempty"`
}
