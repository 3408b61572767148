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
	var lost, wasteful, again []string
	for _, row := range r.Rows {
		row.write(book)
		slow, loud := row.outOfBounds(r.slack())
		lost, wasteful = append(lost, slow...), append(wasteful, loud...)
		if n := len(row.Cold.Times); n > r.Repeats {
			again = append(again, fmt.Sprintf("%v, %s: %d runs a cell", row.Route, figures.Size(row.Bytes), n))
		}
		row.Cold.keep(book, r, row, "cold")
		row.InitCwnd.keep(book, r, row, "initcwnd")
		for _, entry := range entries {
			row.Careful[fmt.Sprint(entry)].keep(book, r, row, fmt.Sprintf("saved %g BDP", entry))
		}
	}
	cells := len(r.Rows) * len(entries)
	listed(book, fmt.Sprintf("Cells more than %g %% slower than cold, of %d", r.slack()*100, cells), lost)
	listed(book, "Cells with more retransmits than 1.5 x cold + 20 (saved up to 1 BDP), or than initcwnd (2 BDP)", wasteful)
	listed(book, "Rows measured again, one connection at a time, since a cell was out of these bounds", again)
}

// outOfBounds are the cells that are slower than cold, or that lose more than is allowed.
func (r row) outOfBounds(slack float64) (slow, loud []string) {
	for _, entry := range entries {
		f := r.Careful[fmt.Sprint(entry)]
		cell := fmt.Sprintf("%v, %s, saved %g BDP", r.Route, figures.Size(r.Bytes), entry)
		if over := ratio(f.time(), r.Cold.time()); over > 1+slack {
			slow = append(slow, fmt.Sprintf("%s: %.3f; %s", cell, over, f.inPairs(r.Cold)))
		}
		if allowed := r.Cold.retransmits()*3/2 + 20; entry < 2 && f.retransmits() > allowed {
			loud = append(loud, fmt.Sprintf("%s: %d, cold %d", cell, f.retransmits(), r.Cold.retransmits()))
		}
		if entry == 2 && f.retransmits() > r.InitCwnd.retransmits() {
			loud = append(loud, fmt.Sprintf("%s: %d, initcwnd %d", cell, f.retransmits(), r.InitCwnd.retransmits()))
		}
	}
	return slow, loud
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
