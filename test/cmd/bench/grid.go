// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tcpresume/tcpresume/test/bench"
	"github.com/tcpresume/tcpresume/test/figures"
)

// cell is one combination, measured in every mode.
type cell struct {
	RTTms       int
	Mbps        int
	QueueBDP    float64
	CC          string
	Bytes       int
	Before      int
	StockWindow bool
	Paced       bool
	IdealMs     float64
	Runs        []run
}

// tlsFlight is what a TLS server sends before it is asked for anything.
const tlsFlight = 4000

// cells leaves out of the default what takes long and tells little more.
func cells(full bool) []*cell {
	var all []*cell
	for _, path := range []cell{{RTTms: 100, Mbps: 100}, {RTTms: 300, Mbps: 20}} {
		for _, queue := range []float64{1, 0.25} {
			for _, cc := range []string{"cubic", "reno", "bbr"} {
				for _, bytes := range []int{100e3, 1e6, 10e6} {
					plain := cell{RTTms: path.RTTms, Mbps: path.Mbps, QueueBDP: queue, CC: cc, Bytes: bytes}
					for _, c := range append(plain.variants(), &plain) {
						if full || c.inDefault() {
							all = append(all, c)
						}
					}
				}
			}
		}
	}
	return all
}

func (c *cell) variants() []*cell {
	if c.CC != "cubic" || c.Bytes != 1e6 {
		return nil
	}
	tls, stock, paced := *c, *c, *c
	tls.Before, stock.StockWindow, paced.Paced = tlsFlight, true, true
	return []*cell{&tls, &stock, &paced}
}

func (c *cell) inDefault() bool {
	switch {
	case c.Before > 0, c.StockWindow, c.Paced:
		return c.QueueBDP < 1 && c.Mbps == 100
	case c.CC == "cubic":
		return c.Bytes <= 1e6 || c.Mbps == 100
	}
	return c.Bytes == 1e6 && c.Mbps == 100
}

func (c *cell) String() string {
	text := fmt.Sprintf("%d ms/%d Mbit/s, queue %g BDP, %s, %s", c.RTTms, c.Mbps, c.QueueBDP, c.CC, figures.Size(c.Bytes))
	if c.Before > 0 {
		text += ", after " + figures.Size(c.Before)
	}
	if c.StockWindow {
		text += ", stock window"
	}
	if c.Paced {
		text += ", paced"
	}
	return text
}

// of returns the runs of one mode.
func (c *cell) of(mode string) []run {
	return slices.DeleteFunc(slices.Clone(c.Runs), func(r run) bool { return r.Mode != mode })
}

func (c *cell) typical(mode string) run {
	return middle(c.of(mode), func(r run) float64 { return r.Ms })
}

func (c *cell) summary() string {
	var texts []string
	for _, mode := range bench.Modes {
		r := c.typical(mode.Name)
		texts = append(texts, fmt.Sprintf("%s %s (%.2f)", mode.Name, milliseconds(r.Ms), r.Ratio))
	}
	return strings.Join(texts, ", ")
}
