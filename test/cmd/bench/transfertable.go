// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/figures"
)

func transferTables(done []*cell) []table {
	groups := []struct {
		caption string
		belongs func(*cell) bool
		extra   string
	}{
		{"CUBIC", func(c *cell) bool { return c.CC == "cubic" && c.Before == 0 && !c.StockWindow && !c.Paced }, ""},
		{"Reno", func(c *cell) bool { return c.CC == "reno" }, ""},
		{"BBR", func(c *cell) bool { return c.CC == "bbr" }, ""},
		{fmt.Sprintf("CUBIC, after a first answer of %s as TLS sends one", figures.Size(tlsFlight)), func(c *cell) bool { return c.Before > 0 }, ""},
		{"CUBIC, to a client with the kernel's default receive window", func(c *cell) bool { return c.StockWindow }, "receiver-limited"},
		{"CUBIC, on a server with the kernel's own pacing (fq, or SO_MAX_PACING_RATE)", func(c *cell) bool { return c.Paced }, ""},
	}
	var tables []table
	for _, g := range groups {
		t := table{caption: g.caption, texts: 3, head: []string{"path", "queue", "response", "ideal"}}
		var names []string
		for _, mode := range bench.Modes {
			names = append(names, mode.Name)
		}
		t.head = append(append(t.head, names...), "retransmits: "+strings.Join(names, " / "))
		if g.extra != "" {
			t.head = append(t.head, g.extra)
		}
		for _, c := range done {
			if g.belongs(c) {
				t.rows = append(t.rows, c.row())
			}
		}
		if len(t.rows) > 0 {
			tables = append(tables, t)
		}
	}
	return tables
}

func (c *cell) row() []string {
	row := []string{
		fmt.Sprintf("%d ms, %d Mbit/s", c.RTTms, c.Mbps), fmt.Sprintf("%g BDP", c.QueueBDP),
		figures.Size(c.Bytes), milliseconds(c.IdealMs),
	}
	cold := c.typical("cold")
	var retransmits, limited []string
	for _, mode := range bench.Modes {
		r := c.typical(mode.Name)
		text := fmt.Sprintf("%.2f", r.Ratio)
		if mode.Name != cold.Mode {
			text += fmt.Sprintf("; %.2f", r.Ms/cold.Ms)
		}
		row = append(row, fmt.Sprintf("%s (%s)%s", milliseconds(r.Ms), text, c.spread(mode.Name)))
		retransmits = append(retransmits, fmt.Sprint(r.Retransmits))
		limited = append(limited, fmt.Sprintf("%.0f %%", 100*r.ReceiverLimited))
	}
	row = append(row, strings.Join(retransmits, " / "))
	if c.StockWindow {
		row = append(row, strings.Join(limited, " / "))
	}
	return row
}

// spread is empty where the runs agree.
func (c *cell) spread(mode string) string {
	byTime := func(a, b run) int { return cmp.Compare(a.Ms, b.Ms) }
	runs := c.of(mode)
	least, most := slices.MinFunc(runs, byTime).Ms, slices.MaxFunc(runs, byTime).Ms
	if most-least <= 0.05*c.typical(mode).Ms {
		return ""
	}
	return fmt.Sprintf(" %.0f–%.0f", least, most)
}
