// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/kernels/record"
	"github.com/tcpresume/tcpresume/test/rig"
)

// Column is what happened on one kernel.
type Column struct {
	Kernel   string
	Package  string // version of the Debian package; empty: the host's own kernel
	Emulated bool
	Features []feature.Result
	Runtime  feature.Runtime
	Suites   []Suite
	Failures []string // of the machine
	Took     time.Duration
	Done     bool
	Quick    bool   // the subset only
	Without  string // the feature that the machine was made to lack
	Code     string // that was tested, as git describes it
}

// Suite is what became of one test program. Names include subtests.
type Suite struct {
	Package                 string
	Passed, Failed, Skipped []string
	Again                   []string // ran twice
	Omitted                 []record.Omission
	Expected                []record.Expectation
	Exit                    int
	Ended                   bool
}

// Name tells columns of one kernel apart.
func (c Column) Name() string {
	if c.Without != "" {
		return c.Kernel + " without " + c.Without
	}
	return c.Kernel
}

func (c *Column) add(r record.Record) {
	switch {
	case r.Kernel != "":
		c.Kernel, c.Features = r.Kernel, r.Features
		if r.Runtime != nil {
			c.Runtime = *r.Runtime
		}
	case r.Done:
		c.Done = true
	case r.Exit != nil:
		s := c.suite(r.Package)
		s.Exit, s.Ended = *r.Exit, true
	case r.Again != "":
		c.suite(r.Package).again(r.Again)
	case r.Line != "":
		c.suite(r.Package).verdict(r.Line)
	case r.Package != "":
		s := c.suite(r.Package)
		s.Omitted, s.Expected = r.Omitted, r.Expected
	}
	if r.Failure != "" {
		c.Failures = append(c.Failures, r.Failure)
	}
}

func (c *Column) suite(name string) *Suite {
	for i := range c.Suites {
		if c.Suites[i].Package == name {
			return &c.Suites[i]
		}
	}
	c.Suites = append(c.Suites, Suite{Package: name})
	return &c.Suites[len(c.Suites)-1]
}

func plain(line string) string { return strings.ReplaceAll(line, "\x16", "") }

func (s *Suite) verdict(line string) {
	switch outcome, test := record.Verdict(line); outcome {
	case "PASS":
		s.Passed = append(s.Passed, test)
	case "FAIL":
		s.Failed = append(s.Failed, test)
	case "SKIP":
		s.Skipped = append(s.Skipped, test)
	}
}

// again forgets what a test did: only its second run counts.
func (s *Suite) again(test string) {
	of := func(name string) bool { return name == test || strings.HasPrefix(name, test+"/") }
	s.Passed, s.Failed = slices.DeleteFunc(s.Passed, of), slices.DeleteFunc(s.Failed, of)
	s.Again = append(s.Again, test)
}

// Problems are all reasons to call a column red. A skip is one: what a kernel
// lacks is left out beforehand, by a probe.
func (c Column) Problems() (all []string) {
	all = append(all, c.Failures...)
	if c.Runtime.Error != "" {
		all = append(all, "tcpresume did not load: "+c.Runtime.Error)
	}
	all = append(all, c.wrapperProblems()...)
	all = append(all, c.storageProblems()...)
	for _, s := range c.Suites {
		for _, name := range record.Unexpected(s.Failed, s.Expected) {
			all = append(all, s.Package+": "+name+" failed")
		}
		for _, e := range s.Expected {
			if len(e.Among(s.Failed)) == 0 {
				all = append(all, s.Package+": without "+e.Feature+" tests were expected to fail, and none did")
			}
		}
		for _, name := range s.Skipped {
			all = append(all, s.Package+": "+name+" was skipped")
		}
		switch {
		case !s.Ended:
			all = append(all, s.Package+" did not end")
		case s.Exit != 0 && len(s.Failed) == 0:
			all = append(all, fmt.Sprintf("%s exited with %d", s.Package, s.Exit))
		case len(s.Passed)+len(s.Failed) == 0:
			all = append(all, s.Package+" ran no test")
		}
	}
	if !c.Done {
		all = append(all, "the plan was not done")
	}
	return all
}

// wrapperProblems: every wrapper is registered, but for one that up and doctor
// both say cannot be, and doctor knew beforehand what up would do.
func (c Column) wrapperProblems() (all []string) {
	for _, w := range c.Runtime.Wrappers {
		for _, f := range c.Runtime.Doctor {
			if f.Check == w.CC && (f.Status == loader.OK) != w.Registered {
				all = append(all, fmt.Sprintf("doctor says %s of %s, and up registered it: %t", f.Status, w.CC, w.Registered))
			}
		}
		broken := w.CC == "bbr" && !c.works(feature.BBR)
		switch {
		case w.Registered && broken:
			all = append(all, w.Name+" is registered without "+feature.BBR)
		case w.Registered:
		case !broken:
			all = append(all, fmt.Sprintf("%s is not registered: %s", w.Name, w.Reason))
		case !c.said(w.CC):
			all = append(all, w.Name+" cannot be registered here, and up or doctor does not say why")
		}
	}
	return all
}

func (c Column) works(name string) bool {
	return !slices.ContainsFunc(c.Features, func(r feature.Result) bool { return r.Name == name && !r.Works })
}

// storageProblems: socket storage works, but for a machine that cannot make any,
// where up and doctor both say so.
func (c Column) storageProblems() (all []string) {
	lacks := c.Without == feature.Storage
	if works := c.works(feature.Storage); works == lacks {
		all = append(all, fmt.Sprintf("%s works: %t", feature.Storage, works))
	}
	found := slices.ContainsFunc(c.Runtime.Doctor, func(f loader.Finding) bool { return f.Check == feature.Storage && f.Status == loader.Problem })
	noted := slices.ContainsFunc(c.Runtime.Notes, func(note string) bool { return strings.Contains(note, feature.Storage) })
	if found != lacks || noted != lacks {
		all = append(all, fmt.Sprintf("doctor finds that there is no %s: %t, up says so: %t", feature.Storage, found, noted))
	}
	return all
}

// said tells whether up and doctor name the module that cannot be wrapped.
func (c Column) said(cc string) bool {
	up := slices.ContainsFunc(c.Runtime.Notes, func(note string) bool { return strings.Contains(note, rig.BrokenBBR) })
	return up && slices.ContainsFunc(c.Runtime.Doctor, func(f loader.Finding) bool {
		return f.Check == cc && f.Status == loader.Warning && strings.Contains(f.Detail, rig.BrokenBBR)
	})
}

// Expected names each failure that was expected, with its reason.
func (c Column) Expected() (all []string) {
	for _, s := range c.Suites {
		for _, e := range s.Expected {
			for _, name := range e.Among(s.Failed) {
				all = append(all, s.Package+": "+name+": without "+e.Feature+" "+e.Why)
			}
		}
	}
	return all
}
