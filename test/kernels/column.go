// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/kernels/record"
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
}

// Suite is what became of one test program. Names include subtests.
type Suite struct {
	Package                 string
	Passed, Failed, Skipped []string
	Again                   []string // ran twice
	Omitted                 []record.Omission
	Exit                    int
	ended                   bool
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
		s.Exit, s.ended = *r.Exit, true
	case r.Again != "":
		c.suite(r.Package).again(r.Again)
	case r.Line != "":
		c.suite(r.Package).verdict(r.Line)
	case r.Package != "":
		c.suite(r.Package).Omitted = r.Omitted
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
	for _, w := range c.Runtime.Wrappers {
		if !w.Registered {
			all = append(all, fmt.Sprintf("%s is not registered: %s", w.Name, w.Reason))
		}
	}
	for _, s := range c.Suites {
		for _, name := range s.Failed {
			all = append(all, s.Package+": "+name+" failed")
		}
		for _, name := range s.Skipped {
			all = append(all, s.Package+": "+name+" was skipped")
		}
		switch {
		case !s.ended:
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
