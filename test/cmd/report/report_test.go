// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/perf/benchfmt"

	"github.com/tcpresume/tcpresume/test/check"
	"github.com/tcpresume/tcpresume/test/figures"
	"github.com/tcpresume/tcpresume/test/lab/plot"
)

func TestBenchstatReadsTheValues(t *testing.T) {
	samples := []figures.Sample{
		{Figure: "transfer/1MB/cold", Unit: "ms", Value: 811.25},
		{Figure: "reports/most", Unit: "/s", Value: 1e5},
	}
	text := benchmarks([]part{{Part: figures.Part{Samples: samples}}})
	var got []figures.Sample
	var better []string
	for r := benchfmt.NewReader(strings.NewReader(text), "values.txt"); r.Scan(); {
		switch line := r.Result().(type) {
		case *benchfmt.Result:
			v := line.Values[0]
			got = append(got, figures.Sample{Figure: string(line.Name), Unit: v.Unit, Value: v.Value})
		case *benchfmt.UnitMetadata:
			better = append(better, line.Unit+" "+line.Value)
		default:
			t.Errorf("%v", line)
		}
	}
	check.Same(t, "values", got, []figures.Sample{
		{Figure: "Transfer/1MB/cold", Unit: "ms", Value: 811.25},
		{Figure: "Reports/most", Unit: "/s", Value: 1e5},
	})
	check.Same(t, "units", better, []string{"/s higher"})
}

func TestPictureComparesMedians(t *testing.T) {
	var p part
	for way, values := range map[string][]float64{"cold": {100, 300, 200}, "saved1BDP": {150, 50, 100}, "initcwnd": {250, 240, 260}} {
		for _, v := range values {
			p.Samples = append(p.Samples, figures.Sample{Figure: "grid/a/" + way, Unit: "ms", Value: v})
			p.Samples = append(p.Samples, figures.Sample{Figure: "grid/a/" + way, Unit: "retransmits", Value: 7 * v})
		}
	}
	got := make(map[string][]float64)
	for _, d := range byWay(p) {
		got[d.Name] = d.Values
	}
	check.Same(t, "ratios", got, map[string][]float64{"careful, saved 1 BDP": {0.5}, "ip route initcwnd 2 BDP": {1.25}})
	file := filepath.Join(t.TempDir(), "grid.svg")
	check.Must(t, plot.DrawDistributions(file, "title", "axis", slowest, byWay(p)))
	picture, err := os.ReadFile(file)
	check.Must(t, err)
	for _, text := range []string{"title", "axis", "careful, saved 1 BDP"} {
		if !strings.Contains(string(picture), text) {
			t.Errorf("the picture has no %q", text)
		}
	}
}

func TestPartsComeInOrderAndCompletely(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"stale", "bench"} {
		b := figures.File(name, filepath.Join(dir, name+".json"))
		b.Add(1, "ms", name)
		check.Must(t, b.Save())
		check.Must(t, os.WriteFile(filepath.Join(dir, name+".md"), []byte("text of "+name), 0o600))
	}
	parts, err := load(dir)
	check.Must(t, err)
	var got []string
	for _, p := range parts {
		got = append(got, p.Name+": "+p.text)
	}
	check.Same(t, "parts", got, []string{"bench: text of bench", "stale: text of stale"})

	stray := filepath.Join(dir, "old.json")
	check.Must(t, os.WriteFile(stray, []byte("{}"), 0o600))
	if _, err := load(dir); err == nil || err.Error() != "["+stray+"]: no part of the report; move them away" {
		t.Errorf("with a stray file: %v", err)
	}
	if _, err := load(t.TempDir()); err == nil || !strings.HasSuffix(err.Error(), `holds no figures; "make bench" measures them`) {
		t.Errorf("without figures: %v", err)
	}
}
