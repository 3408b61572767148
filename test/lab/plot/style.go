// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"image/color"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// colours are told apart by colour-blind readers, too.
var colours = []color.Color{
	color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff},
	color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff},
	color.RGBA{R: 0x00, G: 0x9e, B: 0x73, A: 0xff},
	color.RGBA{R: 0xaa, G: 0x44, B: 0x99, A: 0xff},
	color.RGBA{R: 0xe6, G: 0x9f, B: 0x00, A: 0xff},
	color.RGBA{R: 0x56, G: 0xb4, B: 0xe9, A: 0xff},
	color.RGBA{R: 0x55, G: 0x55, B: 0x55, A: 0xff},
}

var (
	white = color.White
	ink   = color.Gray{Y: 0x33}
	faint = color.Gray{Y: 0xe6}
)

const (
	titleSize  = 14 * vg.Length(1)
	labelSize  = 11 * vg.Length(1)
	smallSize  = 9.5 * vg.Length(1)
	lineWidth  = 1.6 * vg.Length(1)
	markWidth  = 0.9 * vg.Length(1)
	gridWidth  = 0.6 * vg.Length(1)
	outerSpace = 12 * vg.Length(1)
	innerSpace = 8 * vg.Length(1)
)

func colourOf(index int) color.Color { return colours[index%len(colours)] }

func textStyle(size vg.Length, colour color.Color) draw.TextStyle {
	return draw.TextStyle{
		Color:   colour,
		Font:    font.Font{Typeface: "Liberation", Variant: "Sans", Size: size},
		Handler: text.Plain{Fonts: font.DefaultCache},
	}
}

func seriesLine(index int) draw.LineStyle {
	return draw.LineStyle{Color: colourOf(index), Width: lineWidth}
}

func markLine(index int) draw.LineStyle {
	return draw.LineStyle{Color: colourOf(index), Width: markWidth, Dashes: []vg.Length{3, 3}}
}

// withAlignmentOf keeps where and how an axis places its text.
func withAlignmentOf(placed, look draw.TextStyle) draw.TextStyle {
	look.Rotation, look.XAlign, look.YAlign = placed.Rotation, placed.XAlign, placed.YAlign
	return look
}
