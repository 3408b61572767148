// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/test/figures"
)

// part is one of the measurements.
type part struct {
	name  string
	about string
	run   func(ctx context.Context, o options) error
}

var parts = []part{
	{"lag", "from a report on A to the entry in B's map", measureLag},
	{"rate", "the greatest rate without loss", measureRate},
	{"claims", "from a change on A to its effect on B, by kind", measureClaims},
	{"outage", "server killed, agent cut off, slow agent", measureOutages},
	{"join", "100,000 live entries for one that joins", measureJoin},
	{"fuzz", "1,000,000 wrong messages", measureFuzz},
	{"size", "CPU, bytes and memory for each change, for docs/fleet.md", measureSize},
	{"balance", "two servers behind a balancer (loads tcpresume)", measureBalance},
}

type options struct {
	duration time.Duration
	cut      time.Duration
	joiners  int
	fuzz     int
	runs     int
	book     *figures.Book
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == serveWord {
		serveNATS(os.Args[2:])
		return
	}
	if len(os.Args) > 1 && os.Args[1] == balanceWord {
		balanceIsolated(os.Args[2], os.Args[3])
		return
	}
	o := options{book: figures.Flags("fleet")}
	only := flag.String("only", "", "parts to run, with commas (default all)")
	flag.DurationVar(&o.duration, "for", 10*time.Second, "how long each load lasts")
	flag.DurationVar(&o.cut, "cut", 30*time.Second, "how long an agent is cut off")
	flag.IntVar(&o.joiners, "entries", 100_000, "live entries for one that joins")
	flag.IntVar(&o.fuzz, "fuzz", 1_000_000, "wrong messages")
	flag.IntVar(&o.runs, "n", 5, "transfers of each sort")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	for _, p := range parts {
		if *only != "" && !slices.Contains(strings.Split(*only, ","), p.name) {
			continue
		}
		fmt.Fprintf(o.book, "\n%s: %s (%d CPUs)\n\n", p.name, p.about, runtime.NumCPU())
		if err := errors.Join(p.run(ctx, o), o.book.Save()); err != nil {
			fmt.Fprintf(os.Stderr, "fleet: %s: %v\n", p.name, err)
			os.Exit(1)
		}
	}
}

// row prints one line of a Markdown table.
func (o options) row(cells ...any) {
	texts := make([]string, len(cells))
	for i, cell := range cells {
		if d, ok := cell.(time.Duration); ok {
			cell = rounded(d)
		}
		texts[i] = fmt.Sprint(cell)
	}
	fmt.Fprintln(o.book, "| "+strings.Join(texts, " | ")+" |")
}

func (o options) head(titles ...any) {
	o.row(titles...)
	o.row(slices.Repeat([]any{"---"}, len(titles))...)
}

func rounded(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}

// quantile sorts.
func quantile(of []time.Duration, q float64) time.Duration {
	if len(of) == 0 {
		return 0
	}
	slices.Sort(of)
	return of[min(len(of)-1, int(q*float64(len(of))))]
}
