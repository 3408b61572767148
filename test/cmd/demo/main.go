// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"

	"github.com/tcpresume/tcpresume/pkg/loader"
	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/rig"
)

type options struct {
	out    string // directory of the picture
	format string
	cli    string
}

func main() {
	var opts options
	flag.StringVar(&opts.out, "out", "../build", "directory for the picture")
	flag.StringVar(&opts.format, "o", "table", "what stdout gets: table or json")
	flag.StringVar(&opts.cli, "tcpresume", "../bin/tcpresume", "the tcpresume program")
	flag.Parse()
	if err := opts.check(); err != nil {
		fail(err)
	}
	rig.Isolate(func() int {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		switch err := demo(ctx, opts); {
		case ctx.Err() != nil:
			fmt.Fprintln(os.Stderr, "demo: interrupted")
		case err != nil:
			fmt.Fprintln(os.Stderr, "demo:", err)
		default:
			return 0
		}
		return 1
	})
}

func (o *options) check() error {
	if flag.NArg() > 0 {
		return fmt.Errorf("%q is too much: all is said with flags, see -h", flag.Arg(0))
	}
	if o.format != "table" && o.format != "json" {
		return fmt.Errorf("-o %q: use table or json", o.format)
	}
	if os.Geteuid() != 0 {
		return errors.New("the demo loads eBPF programs and makes network namespaces: run it as root")
	}
	if _, err := os.Stat("/dev/net/tun"); err != nil {
		return fmt.Errorf("the demo emulates a network path: %w; \"modprobe tun\" makes it", err)
	}
	for _, finding := range loader.Diagnose(loader.Options{}) {
		if finding.Status == loader.Problem && finding.Check != "tcpresume" { // that one is about the host
			return fmt.Errorf("%s: %s; %s", finding.Check, finding.Detail, finding.Remedy)
		}
	}
	return nil
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "demo:", err)
	os.Exit(1)
}

func demo(ctx context.Context, opts options) error {
	told := io.Writer(os.Stdout)
	if opts.format == "json" {
		told = os.Stderr
	}
	r, err := bench.Load(ctx)
	if err != nil {
		return err
	}
	s, err := tell(ctx, told, r, opts)
	if err := errors.Join(err, r.Close()); err != nil {
		return err
	}
	if opts.format == "json" {
		return s.writeJSON(os.Stdout)
	}
	return nil
}
