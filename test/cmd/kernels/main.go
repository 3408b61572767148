// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/tcpresume/tcpresume/test/kernels"
	"github.com/tcpresume/tcpresume/test/kernels/record"
)

type options struct {
	series, suites, run, md, work string
	quick, host                   bool
	limit                         time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.series, "series", strings.Join(kernels.Series, ","), "which of Debian's kernels to boot")
	flag.StringVar(&o.suites, "suites", "", "which packages to run, by their last names; all if empty")
	flag.StringVar(&o.run, "run", "", "which tests to run, as with go test")
	flag.BoolVar(&o.quick, "quick", false, "the subset that every commit has to pass")
	flag.BoolVar(&o.host, "host", false, "run on the running kernel, too")
	flag.StringVar(&o.md, "md", "", "write the table here")
	flag.StringVar(&o.work, "work", "../build/kernels", "programs, initramfs and logs")
	flag.DurationVar(&o.limit, "limit", time.Hour, "for each kernel")
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
	plan := chosen(o)
	m := kernels.Machine{Programs: filepath.Join(o.work, "bin"), Work: o.work, Watch: progress}
	if err := kernels.Build(ctx, m.Programs, plan); err != nil {
		return err
	}
	columns, err := boot(ctx, o, m, plan)
	if err != nil {
		return err
	}
	if o.host {
		fmt.Println("== this kernel")
		here, err := m.Here(ctx, plan)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		columns = append(columns, here)
	}
	if o.md != "" {
		if err := os.WriteFile(o.md, []byte(kernels.Table(columns)), 0o644); err != nil {
			return err
		}
	}
	return judge(columns)
}

// boot runs the kernels beside each other: each has one emulated processor, and a time of its own.
func boot(ctx context.Context, o options, m kernels.Machine, plan []record.Suite) ([]kernels.Column, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, err
	}
	all := strings.FieldsFunc(o.series, func(r rune) bool { return r == ',' })
	columns := make([]kernels.Column, len(all))
	var running sync.WaitGroup
	defer running.Wait()
	for i, series := range all {
		k, err := kernels.Fetch(ctx, filepath.Join(cache, "tcpresume", "kernels"), series)
		if err != nil {
			return nil, err
		}
		fmt.Println("==", k.Release)
		running.Go(func() {
			limited, cancel := context.WithTimeout(ctx, o.limit)
			defer cancel()
			var err error
			if columns[i], err = m.Boot(limited, k, plan); err != nil {
				fmt.Fprintln(os.Stderr, err)
			}
		})
	}
	running.Wait()
	return columns, ctx.Err()
}

func chosen(o options) (plan []record.Suite) {
	all := kernels.Everything
	if o.quick {
		all = kernels.Quick
	}
	for _, suite := range all {
		if o.suites == "" || strings.Contains(","+o.suites+",", ","+filepath.Base(suite.Package)+",") {
			if o.run != "" {
				suite.Run = o.run
			}
			plan = append(plan, suite)
		}
	}
	return plan
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
	passed, bad := 0, 0
	for _, c := range columns {
		for _, s := range c.Suites {
			passed += len(s.Passed)
		}
		for _, problem := range c.Problems() {
			bad++
			fmt.Printf("%s: %s\n", c.Kernel, problem)
		}
	}
	fmt.Printf("kernels: %d passed, %d failed\n", passed, bad)
	if bad > 0 {
		return fmt.Errorf("%d problems on %d kernels", bad, len(columns))
	}
	return nil
}
