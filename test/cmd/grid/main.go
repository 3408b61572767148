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

	"github.com/tcpresume/tcpresume/test/rig"
)

var (
	cc      = flag.String("cc", "cubic", "congestion control of the server")
	repeats = flag.Int("n", 3, "connections per cell; medians are shown")
	loss    = flag.Float64("loss", 0, "probability of random loss, as in 0.001")
	only    = flag.String("only", "", "paths whose description contains this, as in \"100 ms, 20\"")
	table   = flag.String("md", "", "write the table to this file, too")
	raw     = flag.String("json", "", "write each run to this file; what it holds already is not measured again")
)

var (
	sizes   = []int{100_000, 1_000_000, 10_000_000}
	entries = []float64{0.5, 1, 2}
)

func main() {
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
	for _, rtt := range []time.Duration{20, 100, 300} {
		for _, rate := range []uint64{20e6, 100e6} {
			for _, queue := range []float64{0.25, 1} {
				if on := (route{RTT: rtt * time.Millisecond, Rate: rate, Queue: queue}); strings.Contains(on.String(), *only) {
					all = append(all, on)
				}
			}
		}
	}
	return all
}

// row is what was measured on one path with one size of response.
type row struct {
	Route    route
	Bytes    int
	Cold     figure
	Careful  map[string]figure // by saved window in BDP
	InitCwnd figure            // of 2 BDP
}

func grid(ctx context.Context) error {
	r, err := rig.New(ctx)
	if err != nil {
		return err
	}
	defer r.Close()
	if err := observed(r.Store); err != nil {
		return err
	}
	b := bench{rig: r, cc: *cc, repeats: *repeats, loss: *loss}
	record, err := load(*raw, b)
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
			if err := record.save(*raw); err != nil {
				return err
			}
			fmt.Fprintf(os.Stderr, "%v, %d kB: cold %v\n", on, bytes/1000, measured.Cold.time().Round(time.Millisecond))
		}
	}
	text := report(record)
	fmt.Print(text)
	if *table == "" {
		return nil
	}
	return os.WriteFile(*table, []byte(text), 0o644)
}

// row takes turns, so that what disturbs the machine for a while disturbs every way to start.
func (b bench) row(ctx context.Context, on route, bytes int) (row, error) {
	measured := row{Route: on, Bytes: bytes, Careful: make(map[string]figure)}
	for i := range b.repeats {
		seed := uint64(i + 1)
		if err := b.once(ctx, on, bytes, start{}, seed, &measured.Cold); err != nil {
			return measured, err
		}
		for _, entry := range entries {
			f := measured.Careful[fmt.Sprint(entry)]
			if err := b.once(ctx, on, bytes, start{entry: entry}, seed, &f); err != nil {
				return measured, err
			}
			measured.Careful[fmt.Sprint(entry)] = f
		}
		if err := b.once(ctx, on, bytes, start{initcwnd: 2}, seed, &measured.InitCwnd); err != nil {
			return measured, err
		}
	}
	return measured, nil
}
