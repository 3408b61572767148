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
	"time"

	"github.com/tcpresume/tcpresume/test/kernels"
	"github.com/tcpresume/tcpresume/test/kernels/record"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	var (
		only   = flag.String("series", strings.Join(kernels.Series, ","), "which of Debian's kernels to boot")
		suites = flag.String("suites", "", "which packages to run; all if empty")
		host   = flag.Bool("host", false, "run on the running kernel, too")
		md     = flag.String("md", "", "write the table here")
		work   = flag.String("work", "../build/kernels", "programs, initramfs and logs")
		limit  = flag.Duration("limit", time.Hour, "for each kernel")
	)
	flag.Parse()
	if err := os.MkdirAll(*work, 0o755); err != nil {
		return err
	}
	plan := chosen(*suites)
	m := kernels.Machine{Programs: filepath.Join(*work, "bin"), Work: *work, Watch: progress}
	if err := kernels.Build(ctx, m.Programs, plan); err != nil {
		return err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	var columns []kernels.Column
	for _, series := range strings.Split(*only, ",") {
		k, err := kernels.Fetch(ctx, filepath.Join(cache, "tcpresume", "kernels"), series)
		if err != nil {
			return err
		}
		fmt.Printf("== %s\n", k.Release)
		limited, cancel := context.WithTimeout(ctx, *limit)
		column, err := m.Boot(limited, k, plan)
		cancel()
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		columns = append(columns, column)
	}
	_, _ = host, md
	bad := 0
	for _, c := range columns {
		for _, p := range c.Problems() {
			bad++
			fmt.Printf("%s: %s\n", c.Kernel, p)
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d problems", bad)
	}
	return nil
}

func chosen(names string) (plan []record.Suite) {
	for _, suite := range kernels.Everything {
		if names == "" || strings.Contains(","+names+",", ","+filepath.Base(suite.Package)+",") {
			plan = append(plan, suite)
		}
	}
	return plan
}

func progress(r record.Record) {
	if strings.Contains(r.Line, "\x16---") || strings.Contains(r.Line, "FAIL") {
		fmt.Println(strings.ReplaceAll(r.Line, "\x16", ""))
	}
	if r.Failure != "" {
		fmt.Println(r.Failure)
	}
}
