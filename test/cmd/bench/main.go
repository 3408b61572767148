// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/rig"
)

// sections in the order of the report.
var sections = []struct {
	name string
	run  func(context.Context, options) (section, error)
}{
	{"transfer", transfer},
	{"learnt", learnt},
	{"pacing", pacing},
	{"ssthresh", ssthresh},
	{"cost", cost},
	{"ack", ack},
	{"load", load},
}

type options struct {
	only    string
	cli     string
	repeats int
	full    bool
	book    *figures.Book
}

func main() {
	opts := options{book: figures.Flags("bench")}
	flag.StringVar(&opts.only, "only", "", "run these sections only: "+strings.Join(names(), ","))
	flag.StringVar(&opts.cli, "tcpresume", "../bin/tcpresume", "the tcpresume program, for section load")
	flag.IntVar(&opts.repeats, "n", 3, "how often each figure is measured")
	flag.BoolVar(&opts.full, "full", false, "measure every combination in section transfer (about a quarter of an hour)")
	flag.Parse()
	if err := opts.check(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	rig.Isolate(func() int {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		switch err := measure(ctx, opts); {
		case ctx.Err() != nil:
			fmt.Fprintln(os.Stderr, "bench: interrupted")
		case err != nil:
			fmt.Fprintln(os.Stderr, "bench:", err)
		default:
			return 0
		}
		return 1
	})
}

func (o options) check() error {
	if flag.NArg() > 0 {
		return fmt.Errorf("%q is too much: all is said with flags, see -h", flag.Arg(0))
	}
	if o.repeats < 1 {
		return fmt.Errorf("-n %d: measure at least once", o.repeats)
	}
	for _, name := range o.chosen() {
		if !slices.Contains(names(), name) {
			return fmt.Errorf("-only %q is not a section: use %s", name, strings.Join(names(), ","))
		}
	}
	if os.Geteuid() != 0 {
		return errors.New("the bench loads eBPF programs and makes network namespaces: run it as root")
	}
	return nil
}

func (o options) chosen() []string {
	if o.only == "" {
		return names()
	}
	return strings.Split(o.only, ",")
}

func names() []string {
	var all []string
	for _, s := range sections {
		all = append(all, s.name)
	}
	return all
}

func measure(ctx context.Context, opts options) error {
	fmt.Fprintf(opts.book, "Each figure is the median of %d, measured in turns with its rivals.\n", opts.repeats)
	for _, s := range sections {
		if !slices.Contains(opts.chosen(), s.name) {
			continue
		}
		start := time.Now()
		done, err := s.run(ctx, opts)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		progress("%s took %.0f s", s.name, time.Since(start).Seconds())
		done.write(opts.book)
		if err := opts.book.Save(); err != nil { // a later section may fail
			return err
		}
	}
	return nil
}

func progress(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format(time.TimeOnly)}, args...)...)
}
