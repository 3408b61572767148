// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"testing"

	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

func TestTextsOfMarksDoNotTouch(t *testing.T) {
	series := threeSeries()
	window, _, err := panels(series)
	if err != nil {
		t.Fatal(err)
	}
	canvas := draw.New(vgsvg.New(width, height))
	laid := layMarks(window, canvas, series)
	data := window.DataCanvas(canvas)
	for i, a := range laid.marks {
		left, right := a.extent(window, data)
		if left < data.Min.X || right > data.Max.X {
			t.Errorf("%q leaves the panel", a.Text)
		}
		for _, b := range laid.marks[:i] {
			otherLeft, otherRight := b.extent(window, data)
			if a.row == b.row && left < otherRight && otherLeft < right {
				t.Errorf("%q overlaps %q", a.Text, b.Text)
			}
		}
	}
}
