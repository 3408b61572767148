// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/tcpresume/tcpresume/test/figures"
)

// slack is how much slower than cold a cell may be before it counts as lost:
// random losses hit two connections at different moments.
func (r record) slack() float64 {
	if r.Loss > 0 {
		return 0.05
	}
	return 0.02
}

func (r record) write(book *figures.Book) {
	fmt.Fprintf(book, "%s, a 4 kB exchange first, %d runs a cell, random loss %g %%. Medians; careful and initcwnd as time / cold (x ideal), retransmits.\n\n", r.CC, r.Repeats, r.Loss*100)
	fmt.Fprint(book, "| path | response | cold ms (x ideal), retransmits | ")
	for _, entry := range entries {
		fmt.Fprintf(book, "saved %g BDP | ", entry)
	}
	fmt.Fprintf(book, "initcwnd 2 BDP |\n|%s\n", strings.Repeat("---|", 4+len(entries)))
	var lost, wasteful []string
	for _, row := range r.Rows {
		row.write(book)
		row.Cold.keep(book, r, row, "cold")
		row.InitCwnd.keep(book, r, row, "initcwnd")
		for _, entry := range entries {
			f := row.Careful[fmt.Sprint(entry)]
			f.keep(book, r, row, fmt.Sprintf("saved %g BDP", entry))
			cell := fmt.Sprintf("%v, %s, saved %g BDP", row.Route, figures.Size(row.Bytes), entry)
			if over := ratio(f.time(), row.Cold.time()); over > 1+r.slack() {
				lost = append(lost, fmt.Sprintf("%s: %.3f; %s", cell, over, f.inPairs(row.Cold)))
			}
			if allowed := row.Cold.retransmits()*3/2 + 20; entry < 2 && f.retransmits() > allowed {
				wasteful = append(wasteful, fmt.Sprintf("%s: %d, cold %d", cell, f.retransmits(), row.Cold.retransmits()))
			}
			if entry == 2 && f.retransmits() > row.InitCwnd.retransmits() {
				wasteful = append(wasteful, fmt.Sprintf("%s: %d, initcwnd %d", cell, f.retransmits(), row.InitCwnd.retransmits()))
			}
		}
	}
	cells := len(r.Rows) * len(entries)
	listed(book, fmt.Sprintf("Cells more than %g %% slower than cold, of %d", r.slack()*100, cells), lost)
	listed(book, "Cells with more retransmits than 1.5 x cold + 20 (saved up to 1 BDP), or than initcwnd (2 BDP)", wasteful)
}

func (r row) write(w io.Writer) {
	fmt.Fprintf(w, "| %v | %s | %d (%.2f), %d |", r.Route, figures.Size(r.Bytes), r.Cold.time().Milliseconds(),
		ratio(r.Cold.time(), r.Cold.Ideal), r.Cold.retransmits())
	for _, entry := range entries {
		f := r.Careful[fmt.Sprint(entry)]
		fmt.Fprintf(w, " %.2f (%.2f), %d |", ratio(f.time(), r.Cold.time()), ratio(f.time(), f.Ideal), f.retransmits())
	}
	fmt.Fprintf(w, " %.2f (%.2f), %d |\n", ratio(r.InitCwnd.time(), r.Cold.time()), ratio(r.InitCwnd.time(), r.InitCwnd.Ideal), r.InitCwnd.retransmits())
}

func (f figure) keep(book *figures.Book, of record, on row, way string) {
	cell := []any{"grid", of.CC, fmt.Sprintf("loss %g %%", of.Loss*100), on.Route, figures.Size(on.Bytes), way}
	book.AddTolerated(f.Tolerated...)
	for i := range f.Times {
		book.AddTime(f.Times[i], cell...)
		book.Add(float64(f.Retransmits[i]), "retransmits", cell...)
	}
}

// inPairs compares seed by seed: where a lost packet decides, medians of a few
// runs differ by chance alone.
func (f figure) inPairs(cold figure) string {
	var slower int
	var logs float64
	for i := range f.Times {
		if f.Times[i] > cold.Times[i] {
			slower++
		}
		logs += math.Log(ratio(f.Times[i], cold.Times[i]))
	}
	return fmt.Sprintf("slower in %d of %d pairs, their mean %.3f", slower, len(f.Times), math.Exp(logs/float64(len(f.Times))))
}

func listed(w io.Writer, title string, cells []string) {
	fmt.Fprintf(w, "\n%s: %d\n", title, len(cells))
	for _, cell := range cells {
		fmt.Fprintf(w, "- %s\n", cell)
	}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }
