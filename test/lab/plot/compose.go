// SPDX-License-Identifier: Apache-2.0

package plot

import (
	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// compose stacks, from the top: title, legend, texts of the marks, two panels.
func compose(canvas draw.Canvas, title string, series []Series) error {
	names := make([]string, len(series))
	for i, s := range series {
		names[i] = s.Name
	}
	rest := drawHead(canvas, title, names)

	window, delivered, err := panels(series)
	if err != nil {
		return err
	}
	// Panels are aligned before the marks get their room, because the room
	// depends on where the marks are.
	canvases := align(rest, window, delivered)
	rows := layMarks(window, canvases[0], series)
	rest = draw.Crop(rest, 0, 0, 0, -rows.height())
	canvases = align(rest, window, delivered)

	window.Draw(canvases[0])
	delivered.Draw(canvases[1])
	rows.draw(window, canvases[0])
	drawMarkLines(window, canvases[0], series)
	drawMarkLines(delivered, canvases[1], series)
	return nil
}

// drawHead fills the background, writes title and legend, and returns the canvas below them.
func drawHead(canvas draw.Canvas, title string, names []string) draw.Canvas {
	canvas.FillPolygon(white, canvas.ClipPolygonXY(corners(canvas)))
	rest := draw.Crop(canvas, outerSpace, -2*outerSpace, outerSpace, -outerSpace)
	style := textStyle(titleSize, ink)
	style.YAlign = draw.YTop
	rest.FillText(style, vg.Point{X: rest.Min.X, Y: rest.Max.Y}, title)
	rest = draw.Crop(rest, 0, 0, 0, -style.Height(title)-innerSpace)
	return drawLegend(rest, names)
}

func align(canvas draw.Canvas, upper, lower *gonum.Plot) [2]draw.Canvas {
	tiles := draw.Tiles{Rows: 2, Cols: 1, PadY: innerSpace}
	aligned := gonum.Align([][]*gonum.Plot{{upper}, {lower}}, tiles, canvas)
	return [2]draw.Canvas{aligned[0][0], aligned[1][0]}
}

func corners(canvas draw.Canvas) []vg.Point {
	return []vg.Point{
		canvas.Min, {X: canvas.Min.X, Y: canvas.Max.Y},
		canvas.Max, {X: canvas.Max.X, Y: canvas.Min.Y},
	}
}
