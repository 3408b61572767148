// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"github.com/tcpresume/tcpresume/test/browser"
	"github.com/tcpresume/tcpresume/test/example"
	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/lab"
	"github.com/tcpresume/tcpresume/test/rig"
)

func main() {
	rtt := flag.Duration("rtt", 100*time.Millisecond, "round-trip `TIME` of the path")
	rate := flag.Uint64("rate", 50, "rate of the path in `MBIT` a second")
	bytes := flag.Int("bytes", 1_000_000, "size of the response after the fallback")
	cc := flag.String("cc", "cubic", "congestion control of the server's TCP")
	stock := flag.Bool("stock", false, "leave the client's receive window as the kernel has it")
	book := figures.Flags("browser")
	flag.Parse()
	path := lab.Path{RTT: *rtt, Rate: *rate * 1e6, StockWindow: *stock}
	rig.Isolate(func() int {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
		defer stop()
		if err := show(ctx, book, setting{browser.Options{Path: path, CC: *cc}, *bytes}); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	})
}

// setting is what all runs have in common.
type setting struct {
	browser.Options
	bytes int
}

func show(ctx context.Context, book *figures.Book, s setting) (err error) {
	if err := example.PrivateRun(); err != nil {
		return err
	}
	r, err := rig.New(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	agent, err := example.StartAgent(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, agent.Stop()) }()

	var runs []run
	for _, scene := range scenes {
		for _, cgroup := range []*lab.Cgroup{nil, r.Cgroup} {
			one, err := play(ctx, r, scene, s, cgroup)
			if err != nil {
				return fmt.Errorf("%s: %w; the agent said: %s", scene.name, err, agent.Output())
			}
			runs = append(runs, one)
			book.AddTime(one.got.FromConnect()-scene.wait, "browser", scene.name, one.start())
		}
	}
	return errors.Join(print(book, s, runs), book.Save())
}
