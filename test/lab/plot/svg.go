// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"bytes"
	"io"

	"gonum.org/v1/plot/vg/vgsvg"
)

// portableSVG names further fonts of the same measures, because not every viewer
// has the one the picture was laid out with.
type portableSVG struct{ *vgsvg.Canvas }

func (c portableSVG) WriteTo(w io.Writer) (int64, error) {
	var drawn bytes.Buffer
	if _, err := c.Canvas.WriteTo(&drawn); err != nil {
		return 0, err
	}
	const laidOut, portable = "font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;"
	n, err := w.Write(bytes.ReplaceAll(drawn.Bytes(), []byte(laidOut), []byte(portable)))
	return int64(n), err
}
