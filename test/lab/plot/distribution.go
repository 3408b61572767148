// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"errors"
	"slices"

	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg/draw"
)

// Distribution is a figure of many cells.
type Distribution struct {
	// Name stands in the legend.
	Name   string
	Values []float64
}

// DrawDistributions writes a picture of which share of the values is at most how
// large. What is beyond most is not drawn; the line ends below 100 % then.
func DrawDistributions(path, title, axis string, most float64, all []Distribution) error {
	if len(all) == 0 {
		return errors.New("draw plot: no distributions: give at least one")
	}
	return drawn(path, func(canvas draw.Canvas) error {
		names := make([]string, len(all))
		panel := newPanel("cells (%)")
		panel.X.Label.Text = axis
		for i, d := range all {
			names[i] = d.Name
			line, err := plotter.NewLine(cumulated(d.Values, most))
			if err != nil {
				return err
			}
			line.LineStyle = seriesLine(i)
			line.StepStyle = plotter.PostStep
			panel.Add(line)
		}
		panel.X.Min, panel.X.Max = 0, most
		panel.Y.Min, panel.Y.Max = 0, 100
		panel.Draw(drawHead(canvas, title, names))
		return nil
	})
}

func cumulated(values []float64, most float64) plotter.XYs {
	points := plotter.XYs{{X: 0, Y: 0}}
	for i, v := range slices.Sorted(slices.Values(values)) {
		if v <= most {
			points = append(points, plotter.XY{X: v, Y: 100 * float64(i+1) / float64(len(values))})
		}
	}
	return append(points, plotter.XY{X: most, Y: points[len(points)-1].Y})
}
