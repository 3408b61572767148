// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/test/kube/cluster"
)

func main() {
	all := flag.Bool("all", false, "run what takes long to build, too")
	only := flag.String("only", "", "run the steps whose name contains this, however long")
	root := flag.String("root", "..", "the root of the project")
	flag.Parse()
	if flag.NArg() > 0 {
		fmt.Fprintf(os.Stderr, "suite: %q is too much: all is said with flags, see -h\n", flag.Arg(0))
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *root, choice(*all, *only), !*all && *only == ""); err != nil {
		fmt.Fprintln(os.Stderr, "suite:", err)
		os.Exit(1)
	}
}

// choice is which steps are to be run.
func choice(all bool, only string) func(step) bool {
	return func(s step) bool {
		if only != "" {
			return strings.Contains(s.name, only)
		}
		return all || !s.long
	}
}

func run(ctx context.Context, root string, chosen func(step) bool, short bool) error {
	if slices.ContainsFunc(steps(), func(s step) bool { return s.cluster && chosen(s) }) {
		remove, err := findCRDs(ctx, root)
		defer remove()
		if err != nil {
			return err
		}
	}
	o := outcome{short: short}
	began := time.Now()
	for _, s := range steps() {
		if !chosen(s) {
			continue
		}
		fmt.Printf("\n-- %s\n", s.name)
		if err := o.test(ctx, root, s); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", o.passed, o.failed, len(o.skipped))
	fmt.Printf("took %v\n", time.Since(began).Round(time.Second))
	o.close(os.Stdout, chosen)
	if len(o.broken) > 0 {
		return fmt.Errorf("failed: %s", strings.Join(o.broken, ", "))
	}
	return nil
}

// findCRDs asks for what a later step needs, before the others take their time,
// and hands it on to that step.
func findCRDs(ctx context.Context, root string) (remove func(), err error) {
	into, err := os.MkdirTemp("", "tcpresume-crds-")
	remove = func() { os.RemoveAll(into) }
	if err != nil {
		return remove, err
	}
	if root, err = filepath.Abs(root); err != nil {
		return remove, err
	}
	dir, err := cluster.FindCRDs(ctx, root, into)
	if err != nil {
		return remove, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return remove, err
	}
	return remove, os.Setenv(cluster.CRDsEnv, dir)
}

func (o *outcome) test(ctx context.Context, root string, s step) error {
	cmd := exec.CommandContext(ctx, "go", s.arguments(o.short)...)
	cmd.Dir = filepath.Join(root, s.dir)
	cmd.Stderr = os.Stderr
	if s.race {
		cmd.Env = append(os.Environ(), "CGO_ENABLED=1") // which the race detector wants
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	events, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	broken, began := len(o.broken), time.Now()
	failed := o.follow(events, os.Stdout)
	err = cmd.Wait()
	worked := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	fmt.Printf("took %v, %v of the processors\n", time.Since(began).Round(time.Second), worked.Round(time.Second))
	if len(o.broken) > broken && ctx.Err() == nil {
		err = nil // told at the end
	}
	return cmp.Or(failed, ctx.Err(), err)
}
