// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"fmt"
	"time"

	gonum "gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"

	"github.com/tcpresume/tcpresume/test/lab"
)

const millisecond = float64(time.Millisecond)

// panels share their time axis, which the lower one labels.
func panels(series []Series) (window, delivered *gonum.Plot, err error) {
	scale, unit := byteUnit(series)
	window, delivered = newPanel("cwnd (segments)"), newPanel(fmt.Sprintf("delivered (%s)", unit))
	delivered.X.Label.Text = "time since connect (ms)"
	for i, s := range series {
		if err := addLine(window, i, s, plotter.PostStep, func(s lab.Sample) float64 {
			return float64(s.Cwnd)
		}); err != nil {
			return nil, nil, err
		}
		if err := addLine(delivered, i, s, plotter.NoStep, func(s lab.Sample) float64 {
			return float64(s.Delivered) / scale
		}); err != nil {
			return nil, nil, err
		}
	}
	latest := latestTime(series)
	for _, panel := range []*gonum.Plot{window, delivered} {
		panel.X.Min, panel.X.Max = 0, latest
		panel.Y.Min, panel.Y.Max = 0, panel.Y.Max*1.06
	}
	return window, delivered, nil
}

func newPanel(yLabel string) *gonum.Plot {
	p := gonum.New()
	p.Y.Label.Text = yLabel
	for _, axis := range []*gonum.Axis{&p.X, &p.Y} {
		axis.Label.TextStyle = withAlignmentOf(axis.Label.TextStyle, textStyle(labelSize, ink))
		axis.Tick.Label = withAlignmentOf(axis.Tick.Label, textStyle(smallSize, ink))
		axis.Tick.Length = 4
		axis.Tick.Marker = decimalTicks{}
		axis.Color, axis.Tick.Color = ink, ink
		axis.Padding = 0
		axis.Label.Padding = vg.Points(4)
	}
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = faint, faint
	grid.Horizontal.Width, grid.Vertical.Width = gridWidth, gridWidth
	p.Add(grid)
	return p
}

func addLine(panel *gonum.Plot, index int, s Series, step plotter.StepKind, value func(lab.Sample) float64) error {
	points := thinned(s.Samples, value)
	if len(points) == 0 {
		return nil
	}
	line, err := plotter.NewLine(points)
	if err != nil {
		return fmt.Errorf("series %q: %w", s.Name, err)
	}
	line.LineStyle = seriesLine(index)
	line.StepStyle = step
	panel.Add(line)
	return nil
}

// thinned leaves out the inner points of level stretches: the line stays the same
// and the file becomes small.
func thinned(samples []lab.Sample, value func(lab.Sample) float64) plotter.XYs {
	points := make(plotter.XYs, 0, len(samples))
	for i, s := range samples {
		level := 0 < i && i < len(samples)-1 &&
			value(samples[i-1]) == value(s) && value(s) == value(samples[i+1])
		if !level {
			points = append(points, plotter.XY{X: float64(s.At) / millisecond, Y: value(s)})
		}
	}
	return points
}

func latestTime(series []Series) float64 {
	latest := time.Millisecond
	for _, s := range series {
		if n := len(s.Samples); n > 0 {
			latest = max(latest, s.Samples[n-1].At)
		}
		for _, m := range s.Marks {
			latest = max(latest, m.At)
		}
	}
	return float64(latest) / millisecond * 1.01
}

func byteUnit(series []Series) (scale float64, unit string) {
	var largest uint64
	for _, s := range series {
		if n := len(s.Samples); n > 0 {
			largest = max(largest, s.Samples[n-1].Delivered)
		}
	}
	switch {
	case largest >= 1e9:
		return 1e9, "GB"
	case largest >= 1e6:
		return 1e6, "MB"
	default:
		return 1e3, "kB"
	}
}
