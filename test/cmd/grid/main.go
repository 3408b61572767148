// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/rig"
)

var (
	cc      = flag.String("cc", "cubic", "congestion control of the server")
	repeats = flag.Int("n", 3, "connections per cell; medians are shown")
	lanes   = flag.Int("j", 1, "connections at a time, each on a path of its own")
	loss    = flag.Float64("loss", 0, "probability of random loss, as in 0.001")
	only    = flag.String("only", "", "paths whose description contains this, as in \"100 ms, 20\"")
	kept    = flag.String("keep", "", "keep each row in this file; what it holds already is not measured again")
	book    = figures.Flags("grid")
)

var (
	sizes   = list[int]{100_000, 1_000_000, 10_000_000}
	entries = list[float64]{0.05, 0.1, 0.16, 0.25, 0.35, 0.5, 1, 2}
)

func main() {
	flag.Var(&sizes, "sizes", "bytes of the responses")
	flag.Var(&entries, "entries", "saved windows in BDP")
	flag.Parse()
	rig.Isolate(run)
}

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := grid(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "grid:", err)
		return 1
	}
	return 0
}

func routes() []route {
	var all []route
	for _, on := range []route{
		{RTT: 20, Rate: 20e6}, {RTT: 20, Rate: 100e6},
		{RTT: 60, Rate: 50e6},
		{RTT: 100, Rate: 20e6}, {RTT: 100, Rate: 100e6},
		{RTT: 300, Rate: 20e6}, {RTT: 300, Rate: 100e6},
	} {
		on.RTT *= time.Millisecond
		for _, on.Queue = range []float64{0.25, 1} {
			if strings.Contains(on.String(), *only) {
				all = append(all, on)
			}
		}
	}
	return all
}

func grid(ctx context.Context) error {
	r, err := rig.New(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := r.Apart(); err != nil {
		return err
	}
	b := bench{rig: r, cc: *cc, repeats: *repeats, lanes: *lanes, loss: *loss}
	record, err := load(*kept, b)
	if err != nil {
		return err
	}
	for _, on := range routes() {
		for _, bytes := range sizes {
			if record.has(on, bytes) {
				continue
			}
			measured, err := b.row(ctx, on, bytes)
			if err != nil {
				return err
			}
			record.Rows = append(record.Rows, measured)
			if err := record.save(*kept); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "%v, %d kB: cold %v\n", on, bytes/1000, measured.Cold.time().Round(time.Millisecond))
		}
	}
	if err := b.again(ctx, &record); err != nil {
		return err
	}
	record.write(book)
	return book.Save()
}
