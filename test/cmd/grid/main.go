// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
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
	raw     = flag.String("json", "", "write each run to this file")
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
	var rows []row
	for _, on := range routes() {
		for _, bytes := range sizes {
			measured, err := b.row(ctx, on, bytes)
			if err != nil {
				return err
			}
			rows = append(rows, measured)
			fmt.Fprintf(os.Stderr, "%v, %d kB: cold %v\n", on, bytes/1000, measured.Cold.time().Round(time.Millisecond))
		}
	}
	text := report(rows)
	fmt.Print(text)
	if *table != "" {
		if err := os.WriteFile(*table, []byte(text), 0o644); err != nil {
			return err
		}
	}
	if *raw == "" {
		return nil
	}
	data, err := json.MarshalIndent(rows, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(*raw, data, 0o644)
}

func (b bench) row(ctx context.Context, on route, bytes int) (row, error) {
	measured := row{Route: on, Bytes: bytes, Careful: make(map[string]figure)}
	var err error
	if measured.Cold, err = b.measure(ctx, on, bytes, start{}); err != nil {
		return measured, err
	}
	for _, entry := range entries {
		if measured.Careful[fmt.Sprint(entry)], err = b.measure(ctx, on, bytes, start{entry: entry}); err != nil {
			return measured, err
		}
	}
	measured.InitCwnd, err = b.measure(ctx, on, bytes, start{initcwnd: 2})
	return measured, err
}
