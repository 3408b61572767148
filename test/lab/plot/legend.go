// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// drawLegend fills rows from the left and returns the canvas below them.
func drawLegend(canvas draw.Canvas, names []string) draw.Canvas {
	const swatch, between = 20 * vg.Length(1), 18 * vg.Length(1)
	style := textStyle(labelSize, ink)
	// Centred on small letters, not on the whole line, to sit level with the swatch.
	style.YAlign = -0.4
	row := style.Height("Mg") + innerSpace/2

	x, y := canvas.Min.X, canvas.Max.Y-row/2
	for i, name := range names {
		size := swatch + innerSpace/2 + style.Width(name)
		if x > canvas.Min.X && x+size > canvas.Max.X {
			x, y = canvas.Min.X, y-row
		}
		line := seriesLine(i)
		line.Width *= 1.5
		canvas.StrokeLine2(line, x, y, x+swatch, y)
		canvas.FillText(style, vg.Point{X: x + swatch + innerSpace/2, Y: y}, name)
		x += size + between
	}
	return draw.Crop(canvas, 0, 0, 0, y-row/2-innerSpace-canvas.Max.Y)
}
