// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/tcpresume/tcpresume/test/lab"
)

// Series is one connection.
type Series struct {
	// Name stands in the legend.
	Name string
	// Samples are in the order of time.
	Samples []lab.Sample
	// Marks are moments worth a vertical line in the colour of the series.
	Marks []Mark
}

// Mark is a moment of a connection, such as the start of a phase.
type Mark struct {
	// At is the time since just before the client's connect.
	At time.Duration
	// Text is short.
	Text string
}

const (
	width  = 24 * vg.Centimeter
	height = 16 * vg.Centimeter
	// dotsPerInch makes a PNG sharp on dense screens.
	dotsPerInch = 144
)

// Draw writes a picture of the series to path: congestion windows above, delivered
// bytes below. The extension of path, .svg or .png, decides the format.
func Draw(path, title string, series []Series) error {
	if len(series) == 0 {
		return errors.New("draw plot: no series: give at least one")
	}
	return drawn(path, func(canvas draw.Canvas) error { return compose(canvas, title, series) })
}

// drawn has a canvas of the format that the extension of path names filled, and saves it.
func drawn(path string, fill func(draw.Canvas) error) error {
	var canvas vg.CanvasWriterTo
	switch extension := strings.ToLower(filepath.Ext(path)); extension {
	case ".svg":
		canvas = portableSVG{vgsvg.New(width, height)}
	case ".png":
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(dotsPerInch))}
	default:
		return fmt.Errorf("draw plot %q: unknown extension %q: use .svg or .png", filepath.Base(path), extension)
	}
	if err := fill(draw.New(canvas)); err != nil {
		return fmt.Errorf("draw plot %q: %w", filepath.Base(path), err)
	}
	return save(path, canvas)
}

func save(path string, canvas vg.CanvasWriterTo) error {
	file, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("save plot: %w", err)
	}
	_, err = canvas.WriteTo(file)
	if err := errors.Join(err, file.Close()); err != nil {
		return fmt.Errorf("save plot %q: %w", filepath.Base(path), err)
	}
	return nil
}
