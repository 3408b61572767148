// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/test/kernels"
	"github.com/tcpresume/tcpresume/test/kernels/feature"
	"github.com/tcpresume/tcpresume/test/kernels/record"
)

const host = "host"

type options struct {
	only, whole, suites, run, md, work string
	quick, host                        bool
	limit                              time.Duration
	beside                             int
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "which of Debian's kernels to boot, as in 7.3,6.12; \""+kernels.Newest+"\" is the newest; all that are promised if empty")
	flag.StringVar(&o.whole, "whole", "", "which of them run whole suites, and \""+host+"\"; the others run the quick subset; all if empty")
	flag.StringVar(&o.suites, "suites", "", "which packages to run, by their last names; all if empty")
	flag.StringVar(&o.run, "run", "", "which tests to run, as with go test")
	flag.BoolVar(&o.quick, "quick", false, "the subset that every commit has to pass, on the oldest and the newest kernel unless -only names others")
	flag.BoolVar(&o.host, host, false, "run on the running kernel, too")
	flag.StringVar(&o.md, "md", "", "write the table here: what ran now, and of other kernels the last that ran")
	flag.StringVar(&o.work, "work", "../build/kernels", "programs, initramfs, logs and results")
	flag.DurationVar(&o.limit, "limit", 2*time.Hour, "for each kernel")
	flag.IntVar(&o.beside, "beside", runtime.NumCPU(), "how many kernels run at once; each needs a processor")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	if err := os.MkdirAll(o.work, 0o755); err != nil {
		return err
	}
	m := kernels.Machine{Programs: filepath.Join(o.work, "bin"), Work: o.work, Watch: progress}
	if err := kernels.Build(ctx, m.Programs, o.plan(false)); err != nil {
		return err
	}
	columns, left, err := boot(ctx, o, m)
	if err != nil {
		return err
	}
	if o.host {
		fmt.Println("== this kernel")
		quick := o.isQuick(host)
		here, err := m.Here(ctx, o.plan(quick))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		here.Quick = quick
		columns = append(columns, here)
	}
	code := describe(ctx)
	for i := range columns {
		columns[i].Code = code
	}
	if o.md != "" {
		all, err := kernels.Keep(filepath.Join(o.work, "columns"), columns)
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.md, []byte(kernels.Table(all)), 0o644); err != nil {
			return err
		}
	}
	err = judge(columns)
	for _, each := range left {
		fmt.Println("kernels: not run:", each)
	}
	return err
}

// boot runs kernels beside each other: each has one emulated processor, and a
// time of its own. Debian may have dropped one between the oldest and the newest.
func boot(ctx context.Context, o options, m kernels.Machine) (columns []kernels.Column, left []string, err error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, nil, err
	}
	type outcome struct {
		column kernels.Column
		err    error
	}
	var outcomes []chan outcome
	turns := make(chan struct{}, max(o.beside, 1))
	start := func(k kernels.Kernel, plan []record.Suite, quick bool, without string) {
		ended := make(chan outcome, 1)
		outcomes = append(outcomes, ended)
		go func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			fmt.Println("==", strings.TrimSuffix(k.Release+" without "+without, " without "))
			limited, cancel := context.WithTimeout(ctx, o.limit)
			defer cancel()
			column, err := m.Boot(limited, k, plan, without)
			column.Quick = quick
			ended <- outcome{column, err}
		}()
	}
	for _, series := range o.series() {
		k, err := kernels.Fetch(ctx, filepath.Join(cache, "tcpresume", "kernels"), series)
		if errors.Is(err, kernels.ErrLeft) && !slices.Contains(kernels.QuickSeries, series) {
			left = append(left, fmt.Sprintf("%s: %v", series, err))
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		start(k, o.plan(o.isQuick(series)), o.isQuick(series), "")
		if series == kernels.Newest {
			start(k, nil, false, feature.Storage)
		}
	}
	for _, ended := range outcomes {
		o := <-ended
		if o.err != nil {
			fmt.Fprintln(os.Stderr, o.err)
		}
		columns = append(columns, o.column)
	}
	if len(columns) == 0 {
		return nil, nil, fmt.Errorf("no kernel to run: %s", strings.Join(left, "; "))
	}
	return columns, left, ctx.Err()
}

func list(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

func (o options) series() []string {
	switch {
	case o.only != "":
		return list(o.only)
	case o.quick:
		return kernels.QuickSeries
	}
	return kernels.Series
}

func (o options) isQuick(series string) bool {
	return o.quick || o.whole != "" && !slices.Contains(list(o.whole), series)
}

func (o options) plan(quick bool) (plan []record.Suite) {
	all := kernels.Everything
	if quick {
		all = kernels.Quick
	}
	for _, suite := range all {
		if o.suites == "" || slices.Contains(list(o.suites), filepath.Base(suite.Package)) {
			if o.run != "" {
				suite.Run = o.run
			}
			plan = append(plan, suite)
		}
	}
	return plan
}

func describe(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--tags", "--always", "--dirty", "--exclude", "*").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func progress(kernel string, r record.Record) {
	line := strings.ReplaceAll(r.Line, "\x16", "")
	if line != r.Line && strings.HasPrefix(line, "--- ") || strings.Contains(r.Line, "FAIL") {
		fmt.Println(kernel+":", line)
	}
	if r.Failure != "" {
		fmt.Println(kernel+":", r.Failure)
	}
}

// judge ends with a line that tells how much was tested.
func judge(columns []kernels.Column) error {
	passed, bad, expected := 0, 0, 0
	for _, c := range columns {
		for _, s := range c.Suites {
			passed += len(s.Passed)
		}
		for _, failure := range c.Expected() {
			expected++
			fmt.Printf("%s: expected: %s\n", c.Name(), failure)
		}
		for _, problem := range c.Problems() {
			bad++
			fmt.Printf("%s: %s\n", c.Name(), problem)
		}
	}
	fmt.Printf("kernels: %d passed, %d failed, %d failed as expected\n", passed, bad, expected)
	if bad > 0 {
		return fmt.Errorf("%d problems on %d kernels", bad, len(columns))
	}
	return nil
}
