// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/lab/plot"
)

// slowest is where the pictures' axis ends, in times of a cold start.
const slowest = 1.8

// pictures are drawn of these parts.
var pictures = map[string]string{
	"grid":      "Time of a response compared with a cold start, over the cells of the grid",
	"grid-loss": "Time of a response compared with a cold start, over the cells of the grid, random loss 0.1 %",
}

// draw shows at one glance what the grid's tables say: how often which way to
// start is faster than a cold one, and by how much.
func draw(dir string, parts []part) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, p := range parts {
		title, wanted := pictures[p.file]
		if !wanted {
			continue
		}
		file := filepath.Join(dir, p.file+".svg")
		if err := plot.DrawDistributions(file, title, "time / time of a cold start, medians", slowest, byWay(p)); err != nil {
			return err
		}
	}
	return nil
}

// byWay divides each cell's median by that of its cold start.
func byWay(p part) []plot.Distribution {
	cells := make(map[string][]float64)
	var order []string
	for _, s := range p.Samples {
		if s.Unit != "ms" {
			continue
		}
		if _, known := cells[s.Figure]; !known {
			order = append(order, s.Figure)
		}
		cells[s.Figure] = append(cells[s.Figure], s.Value)
	}
	var all []plot.Distribution
	for _, figure := range order {
		cell, way := path.Split(figure)
		cold, compared := cells[cell+"cold"]
		if way == "cold" || !compared {
			continue
		}
		at := slices.IndexFunc(all, func(d plot.Distribution) bool { return d.Name == label(way) })
		if at < 0 {
			at = len(all)
			all = append(all, plot.Distribution{Name: label(way)})
		}
		all[at].Values = append(all[at].Values, figures.Median(cells[figure])/figures.Median(cold))
	}
	return all
}

func label(way string) string {
	if bdp, found := strings.CutPrefix(strings.TrimSuffix(way, "BDP"), "saved"); found {
		return "careful, saved " + bdp + " BDP"
	}
	return "ip route initcwnd 2 BDP"
}
