// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strings"

	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/kernels/record"
)

// run lets one test program say everything that it does, line by line. One
// emulated processor plays sender, path and receiver, so a test that fails there
// is given a second chance; the table tells which needed it.
func run(say *json.Encoder, plan record.Plan, suite record.Suite, found []feature.Result) error {
	var patterns []string
	var omitted []record.Omission
	for _, o := range suite.Omit {
		if o.Applies(plan.Emulated, found) {
			patterns, omitted = append(patterns, o.Tests), append(omitted, o)
		}
	}
	var expected []record.Expectation
	for _, e := range suite.Expect {
		if e.Applies(found) {
			expected = append(expected, e)
		}
	}
	if err := say.Encode(record.Record{Package: suite.Package, Omitted: omitted, Expected: expected}); err != nil {
		return err
	}
	program := []string{plan.At(suite), "-test.v=test2json", "-test.timeout=" + suite.Timeout}
	all := append(program, "-test.run="+suite.Run)
	if len(patterns) > 0 {
		all = append(all, "-test.skip="+strings.Join(patterns, "|"))
	}
	failed, code, err := attempt(say, suite, all)
	if err != nil {
		return err
	}
	if plan.Emulated && code != 0 && len(failed) > 0 {
		if len(expected) == 0 {
			code = 0
		}
		for _, test := range whole(record.Unexpected(failed, expected)) {
			if err := say.Encode(record.Record{Package: suite.Package, Again: test}); err != nil {
				return err
			}
			_, again, err := attempt(say, suite, append(program, "-test.run=^"+test+"$"))
			if err != nil {
				return err
			}
			code = max(code, again)
		}
	}
	return say.Encode(record.Record{Package: suite.Package, Exit: &code})
}

// whole names the tests that subtests belong to, each once.
func whole(subtests []string) (tests []string) {
	for _, name := range subtests {
		test, _, _ := strings.Cut(name, "/")
		if !slices.Contains(tests, test) {
			tests = append(tests, test)
		}
	}
	return tests
}

// attempt runs a test program and returns the tests and subtests that failed.
func attempt(say *json.Encoder, suite record.Suite, words []string) (failed []string, code int, err error) {
	code, err = speak(exec.Command(words[0], words[1:]...), func(line string) error {
		if outcome, test := record.Verdict(line); outcome == "FAIL" {
			failed = append(failed, test)
		}
		return say.Encode(record.Record{Package: suite.Package, Line: line})
	})
	return failed, code, err
}

func speak(cmd *exec.Cmd, line func(string) error) (code int, err error) {
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	for lines := bufio.NewReader(pipe); ; {
		text, end := lines.ReadString('\n')
		if text != "" {
			err = errors.Join(err, line(strings.TrimSuffix(text, "\n")))
		}
		if end != nil {
			break
		}
	}
	var exit *exec.ExitError
	if ended := cmd.Wait(); errors.As(ended, &exit) {
		return exit.ExitCode(), err
	} else if ended != nil {
		return 0, ended
	}
	return 0, err
}
