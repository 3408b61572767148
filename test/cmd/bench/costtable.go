// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
)

func costTables(all []round) []table {
	var tables []table
	for _, n := range stocked {
		t := table{
			caption: fmt.Sprintf("%s stored", counted(n, "path")),
			head:    []string{"connection", "program runs", "sockops ns", "above empty", "wrapper ns", "resumed", "connections/s"},
		}
		var names []string
		for _, r := range all {
			if !slices.Contains(names, r.Situation) {
				names = append(names, r.Situation)
			}
		}
		typical := func(name string, figure func(round) float64) float64 {
			var figures []float64
			for _, r := range all {
				if r.Stored == n && r.Situation == name {
					figures = append(figures, figure(r))
				}
			}
			return median(figures)
		}
		ns := func(r round) float64 { return r.Ns }
		for _, name := range names {
			above := typical(name, ns) - typical("empty", ns)
			t.rows = append(t.rows, []string{
				name,
				fmt.Sprintf("%.0f", typical(name, func(r round) float64 { return r.Runs })),
				fmt.Sprintf("%.0f", typical(name, ns)),
				fmt.Sprintf("%.0f", max(0, above)),
				fmt.Sprintf("%.0f", typical(name, func(r round) float64 { return r.WrapperNs })),
				fmt.Sprintf("%.1f %%", 100*typical(name, func(r round) float64 { return r.ResumedPart })),
				grouped(int(typical(name, func(r round) float64 { return r.PerSecond }))),
			})
		}
		tables = append(tables, t)
	}
	return tables
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return grouped(n) + " " + what + "s"
}
