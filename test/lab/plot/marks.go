// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"slices"
	"time"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

type placedMark struct {
	Mark
	series int
	row    int
}

// markRows are the texts of all marks above the upper panel, in as many rows as it
// takes for no two to touch.
type markRows struct {
	marks []placedMark
	rows  int
}

func layMarks(panel *gonum.Plot, canvas draw.Canvas, series []Series) markRows {
	var laid markRows
	for i, s := range series {
		for _, m := range s.Marks {
			laid.marks = append(laid.marks, placedMark{Mark: m, series: i})
		}
	}
	slices.SortStableFunc(laid.marks, func(a, b placedMark) int { return int(a.At - b.At) })

	data := panel.DataCanvas(canvas)
	var ends []vg.Length
	for i := range laid.marks {
		mark := &laid.marks[i]
		left, right := mark.extent(panel, data)
		mark.row = slices.IndexFunc(ends, func(end vg.Length) bool { return end+innerSpace <= left })
		if mark.row < 0 {
			mark.row = len(ends)
			ends = append(ends, 0)
		}
		ends[mark.row] = right
	}
	laid.rows = len(ends)
	return laid
}

// extent keeps the text centred at its line where the panel has room for that.
func (m placedMark) extent(panel *gonum.Plot, data draw.Canvas) (left, right vg.Length) {
	size := m.style().Width(m.Text)
	left = xOf(panel, data, m.At) - size/2
	left = max(data.Min.X, min(left, data.Max.X-size))
	return left, left + size
}

func (m placedMark) style() draw.TextStyle {
	return textStyle(smallSize, colourOf(m.series))
}

func (r markRows) rowHeight() vg.Length {
	return textStyle(smallSize, ink).Height("Mg") + 2
}

func (r markRows) height() vg.Length { return vg.Length(r.rows) * r.rowHeight() }

func (r markRows) draw(panel *gonum.Plot, canvas draw.Canvas) {
	data := panel.DataCanvas(canvas)
	for _, m := range r.marks {
		left, _ := m.extent(panel, data)
		y := data.Max.Y + vg.Length(m.row)*r.rowHeight() + 3
		canvas.FillText(m.style(), vg.Point{X: left, Y: y}, m.Text)
	}
}

func drawMarkLines(panel *gonum.Plot, canvas draw.Canvas, series []Series) {
	data := panel.DataCanvas(canvas)
	for i, s := range series {
		for _, m := range s.Marks {
			x := xOf(panel, data, m.At)
			canvas.StrokeLine2(markLine(i), x, data.Min.Y, x, data.Max.Y)
		}
	}
}

func xOf(panel *gonum.Plot, data draw.Canvas, at time.Duration) vg.Length {
	toX, _ := panel.Transforms(&data)
	return toX(float64(at) / millisecond)
}
