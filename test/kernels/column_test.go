// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/kernels/record"
)

func TestLatestIsByNumber(t *testing.T) {
	list := `linux-image-6.1.0-9-cloud-amd64 - Linux 6.1 for x86-64 cloud (signed)
linux-image-6.1.0-56-cloud-amd64 - Linux 6.1 for x86-64 cloud (signed)
linux-image-6.12-cloud-amd64 - Linux for x86-64 cloud (meta-package)
linux-image-6.12.100+deb12-cloud-amd64 - Linux 6.12 for x86-64 cloud (signed)
linux-image-6.12.95+deb12-cloud-amd64 - Linux 6.12 for x86-64 cloud (signed)
`
	for series, want := range map[string]string{"6.1": "linux-image-6.1.0-56-cloud-amd64", "6.12": "linux-image-6.12.100+deb12-cloud-amd64", "6.6": ""} {
		if got := latest(list, series); got != want {
			t.Errorf("of %s the latest is %q, want %q", series, got, want)
		}
	}
}

// What a machine says becomes a red column unless every test passed.
func TestProblems(t *testing.T) {
	const begun = `{"Kernel":"6.1","Runtime":{}}{"Package":"p"}`
	for name, c := range map[string]struct {
		said string
		want []string
	}{
		"all passed":      {begun + line("--- PASS: TestA (0.00s)") + `{"Package":"p","Exit":0}{"Done":true}`, nil},
		"one failed":      {begun + line("--- FAIL: TestA (0.00s)") + `{"Package":"p","Exit":1}{"Done":true}`, []string{"p: TestA failed"}},
		"one was skipped": {begun + line("--- PASS: TestA (0.00s)") + line("--- SKIP: TestB (0.00s)") + `{"Package":"p","Exit":0}{"Done":true}`, []string{"p: TestB was skipped"}},
		"none ran":        {begun + `{"Package":"p","Exit":0}{"Done":true}`, []string{"p ran no test"}},
		"a test's words":  {begun + `{"Package":"p","Line":"--- PASS: TestA (0.00s)"}{"Package":"p","Exit":0}{"Done":true}`, []string{"p ran no test"}},
		"it crashed":      {begun + line("--- PASS: TestA (0.00s)"), []string{"p did not end", "the plan was not done"}},
		"the second run passed": {begun + line("--- FAIL: TestA (0.00s)") + line("--- FAIL: TestA/x (0.00s)") + `{"Package":"p","Again":"TestA"}` +
			line("--- PASS: TestA (0.00s)") + `{"Package":"p","Exit":0}{"Done":true}`, nil},
		"it did not load": {`{"Kernel":"6.1","Runtime":{"Error":"no"}}{"Done":true}`, []string{"tcpresume did not load: no"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := column(strings.NewReader(c.said), io.Discard, func(record.Record) {})
			if err != nil || !slices.Equal(got.Problems(), c.want) {
				t.Errorf("got %q, %v, want %q", got.Problems(), err, c.want)
			}
		})
	}
}

func line(text string) string { return `{"Package":"p","Line":"\u0016    ` + text + `"}` }

func TestOmissions(t *testing.T) {
	there := []feature.Result{{Name: "f", Works: true}}
	gone := []feature.Result{{Name: "f"}}
	for _, c := range []struct {
		omission record.Omission
		emulated bool
		found    []feature.Result
		want     bool
	}{
		{record.Omission{Feature: "f"}, true, there, false},
		{record.Omission{Feature: "f"}, true, gone, true},
		{record.Omission{Feature: "f"}, true, nil, false}, // not probed is no excuse
		{record.Omission{}, true, nil, true},
		{record.Omission{}, false, gone, false},
	} {
		if got := c.omission.Applies(c.emulated, c.found); got != c.want {
			t.Errorf("%+v applies: %v", c, got)
		}
	}
}
