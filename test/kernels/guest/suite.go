// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"

	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/kernels/record"
)

// run lets one test program say everything that it does, line by line.
func run(say *json.Encoder, plan record.Plan, suite record.Suite, found []feature.Result) error {
	var patterns []string
	var omitted []record.Omission
	for _, o := range suite.Omit {
		if o.Applies(plan.Emulated, found) {
			patterns, omitted = append(patterns, o.Tests), append(omitted, o)
		}
	}
	if err := say.Encode(record.Record{Package: suite.Package, Omitted: omitted}); err != nil {
		return err
	}
	arguments := []string{"-test.v=test2json", "-test.timeout=" + suite.Timeout, "-test.run=" + suite.Run}
	if len(patterns) > 0 {
		arguments = append(arguments, "-test.skip="+strings.Join(patterns, "|"))
	}
	code, err := speak(exec.Command(plan.At(suite), arguments...), func(line string) error {
		return say.Encode(record.Record{Package: suite.Package, Line: line})
	})
	if err != nil {
		return err
	}
	return say.Encode(record.Record{Package: suite.Package, Exit: &code})
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
