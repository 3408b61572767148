// SPDX-License-Identifier: Apache-2.0

package kernels

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/kernels/record"
)

func TestLatestIsByNumber(t *testing.T) {
	names := []string{
		"linux-image-6.1.0-9-cloud-amd64", "linux-image-6.1.0-56-cloud-amd64",
		"linux-image-6.12-cloud-amd64", "linux-image-6.12.100+deb12-cloud-amd64", "linux-image-6.12.95+deb12-cloud-amd64",
		"linux-image-6.19.14+deb13-cloud-amd64", "linux-binary-6.19.14+deb13-cloud-amd64", "linux-binary-6.19.6+deb13-cloud-amd64",
		"linux-binary-7.3.4+deb13-cloud-amd64", "linux-image-7.3.4+deb13-cloud-amd64",
		"linux-binary-7.4~rc2-cloud-amd64", "linux-image-7.4~rc2-cloud-amd64", "linux-image-8.0.1-amd64",
	}
	for series, want := range map[string]string{"6.1": "6.1.0-56-cloud-amd64", "6.12": "6.12.100+deb12-cloud-amd64", "6.6": "",
		"6.19": "6.19.14+deb13-cloud-amd64 split", "7.4": "", Newest: "7.3.4+deb13-cloud-amd64 split"} {
		for range 2 {
			got, split := latest(names, series)
			if split {
				got += " split"
			}
			if got != want {
				t.Errorf("of %s the latest is %q, want %q", series, got, want)
			}
			slices.Reverse(names)
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

// Where bbr's module is broken exactly that is expected: failures with bbr in
// their names, at least one of them, and the words of up and doctor.
func TestExpectations(t *testing.T) {
	const why = "this kernel's module cannot be wrapped: its BTF is not deduplicated"
	begun := func(doctor, up string) string {
		return `{"Kernel":"7.0","Features":[{"Name":"` + feature.BBR + `","Works":false}],"Runtime":{"Doctor":[{"check":"bbr","status":"warning","detail":"` + doctor +
			`"}],"Notes":["` + up + `"],"Wrappers":[{"name":"resume_bbr","cc":"bbr"}]}}{"Package":"p","Expected":[{"Feature":"` + feature.BBR + `","Tests":"/bbr$","Why":"x"}]}`
	}
	failed := func(names ...string) (lines string) {
		for _, name := range names {
			lines += line("--- FAIL: " + name + " (0.00s)")
		}
		return lines
	}
	const end = `{"Package":"p","Exit":1}{"Done":true}`
	for name, c := range map[string]struct {
		said string
		want []string
	}{
		"as expected":      {begun(why, why) + failed("TestA/bbr", "TestA") + end, nil},
		"another subtest":  {begun(why, why) + failed("TestA/bbr", "TestA/reno", "TestA") + end, []string{"p: TestA/reno failed"}},
		"another test":     {begun(why, why) + failed("TestA/bbr", "TestA", "TestB") + end, []string{"p: TestB failed"}},
		"none failed":      {begun(why, why) + line("--- PASS: TestA/bbr (0.00s)") + strings.Replace(end, "1", "0", 1), []string{"p: without " + feature.BBR + " tests were expected to fail, and none did"}},
		"up is silent":     {begun(why, "") + failed("TestA/bbr", "TestA") + end, []string{"resume_bbr cannot be registered here, and up or doctor does not say why"}},
		"doctor is silent": {begun("", why) + failed("TestA/bbr", "TestA") + end, []string{"resume_bbr cannot be registered here, and up or doctor does not say why"}},
		"registered all the same": {strings.Replace(begun(why, why), `"cc":"bbr"`, `"cc":"bbr","registered":true`, 1) + failed("TestA/bbr", "TestA") + end,
			[]string{"doctor says warning of bbr, and up registered it: true", "resume_bbr is registered without " + feature.BBR}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := column(strings.NewReader(c.said), io.Discard, func(record.Record) {})
			if err != nil || !slices.Equal(got.Problems(), c.want) {
				t.Errorf("got %q, %v, want %q", got.Problems(), err, c.want)
			}
		})
	}
}

// A machine without socket storage must be told so, and no other.
func TestStorage(t *testing.T) {
	const said = `"Runtime":{"Doctor":[{"check":"socket storage","status":"problem"}],"Notes":["this kernel makes no socket storage"]}`
	for _, c := range []struct {
		without, runtime string
		works, good      bool
	}{
		{"", `"Runtime":{}`, true, true},
		{"", `"Runtime":{}`, false, false},
		{"", said, true, false},
		{feature.Storage, said, false, true},
		{feature.Storage, said, true, false},
		{feature.Storage, `"Runtime":{}`, false, false},
	} {
		text := `{"Kernel":"7.3","Features":[{"Name":"` + feature.Storage + `","Works":` + strconv.FormatBool(c.works) + `}],` + c.runtime + `}{"Done":true}`
		got, err := column(strings.NewReader(text), io.Discard, func(record.Record) {})
		got.Without = c.without
		if err != nil || len(got.Problems()) == 0 != c.good {
			t.Errorf("%+v: %q, %v", c, got.Problems(), err)
		}
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
