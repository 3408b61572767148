// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"
)

// slack is how much slower than cold a cell may be before it counts as lost:
// random losses hit two connections at different moments.
func (r record) slack() float64 {
	if r.Loss > 0 {
		return 0.05
	}
	return 0.02
}

func report(all record) string {
	var text strings.Builder
	fmt.Fprintf(&text, "%s, a 4 kB exchange first, %d runs a cell, random loss %g %%. Medians; careful and initcwnd as time / cold and retransmits.\n\n", all.CC, all.Repeats, all.Loss*100)
	text.WriteString("| path | response | cold ms (x ideal), retransmits | saved 0.5 BDP | 1 BDP | 2 BDP | initcwnd 2 BDP |\n")
	text.WriteString("|---|---|---|---|---|---|---|\n")
	var lost, wasteful []string
	for _, r := range all.Rows {
		fmt.Fprintf(&text, "| %v | %s | %d (%.2f), %d |", r.Route, size(r.Bytes), r.Cold.time().Milliseconds(),
			ratio(r.Cold.time(), r.Cold.Ideal), r.Cold.retransmits())
		for _, entry := range entries {
			f := r.Careful[fmt.Sprint(entry)]
			fmt.Fprintf(&text, " %.2f, %d |", ratio(f.time(), r.Cold.time()), f.retransmits())
			cell := fmt.Sprintf("%v, %s, saved %g BDP", r.Route, size(r.Bytes), entry)
			if over := ratio(f.time(), r.Cold.time()); over > 1+all.slack() {
				lost = append(lost, fmt.Sprintf("%s: %.3f", cell, over))
			}
			if allowed := r.Cold.retransmits()*3/2 + 20; entry < 2 && f.retransmits() > allowed {
				wasteful = append(wasteful, fmt.Sprintf("%s: %d, cold %d", cell, f.retransmits(), r.Cold.retransmits()))
			}
			if entry == 2 && f.retransmits() > r.InitCwnd.retransmits() {
				wasteful = append(wasteful, fmt.Sprintf("%s: %d, initcwnd %d", cell, f.retransmits(), r.InitCwnd.retransmits()))
			}
		}
		fmt.Fprintf(&text, " %.2f, %d |\n", ratio(r.InitCwnd.time(), r.Cold.time()), r.InitCwnd.retransmits())
	}
	list(&text, fmt.Sprintf("Cells more than %g %% slower than cold", all.slack()*100), lost)
	list(&text, "Cells with more retransmits than 1.5 x cold + 20 (saved 0.5 and 1 BDP), or than initcwnd (2 BDP)", wasteful)
	return text.String()
}

func list(text *strings.Builder, title string, cells []string) {
	fmt.Fprintf(text, "\n%s: %d\n", title, len(cells))
	for _, cell := range cells {
		fmt.Fprintf(text, "- %s\n", cell)
	}
}

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

func size(bytes int) string {
	if bytes < 1_000_000 {
		return fmt.Sprintf("%d kB", bytes/1000)
	}
	return fmt.Sprintf("%d MB", bytes/1_000_000)
}
