// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"encoding/json"
	"io"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tcpresume/tcpresume/pkg/resume"
)

type format string

const (
	formatTable format = "table"
	formatJSON  format = "json"
)

// print writes one thing, for programs or for people.
func (g *global) print(cmd *cobra.Command, thing any, people func(io.Writer) error) error {
	if g.output == formatJSON {
		return newEncoder(cmd.OutOrStdout()).Encode(thing)
	}
	return people(cmd.OutOrStdout())
}

func newEncoder(w io.Writer) *json.Encoder {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	return encoder
}

func printTable(w io.Writer, header []string, rows iter.Seq[[]string]) error {
	return printRows(w, func(yield func([]string) bool) {
		if yield(header) {
			rows(yield)
		}
	})
}

// printRows runs over the rows twice, for the widths and for the text, so that
// a million of them need no memory.
func printRows(w io.Writer, rows iter.Seq[[]string]) error {
	var widths []int
	for cells := range rows {
		widths = append(widths, make([]int, max(0, len(cells)-len(widths)))...)
		for i, cell := range cells {
			widths[i] = max(widths[i], len(cell))
		}
	}
	out := bufio.NewWriter(w)
	var line strings.Builder
	for cells := range rows {
		line.Reset()
		for i, cell := range cells {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-len(cell)+2))
		}
		out.WriteString(strings.TrimRight(line.String(), " "))
		out.WriteByte('\n')
	}
	return out.Flush()
}

// printPairs writes "key:  value" lines with the values below each other.
func printPairs(w io.Writer, pairs ...[2]string) error {
	width := 0
	for _, pair := range pairs {
		width = max(width, len(pair[0]))
	}
	var text strings.Builder
	for _, pair := range pairs {
		text.WriteString(pair[0] + ":" + strings.Repeat(" ", width-len(pair[0])+2) + pair[1] + "\n")
	}
	_, err := io.WriteString(w, text.String())
	return err
}

func rowsOf(rows [][]string) iter.Seq[[]string] { return slices.Values(rows) }

// orDash keeps a column from being empty.
func orDash(text string, known bool) string {
	if !known {
		return "-"
	}
	return text
}

func showBytes(b resume.Bytes) string { return orDash(b.String(), b != 0) }

// showDuration writes a lifetime: no fractions above a second, no zero minutes.
func showDuration(d time.Duration) string {
	if d < time.Second {
		return showRTT(d)
	}
	text := d.Round(time.Second).String()
	if short, cut := strings.CutSuffix(text, "m0s"); cut {
		text = short + "m"
	}
	if short, cut := strings.CutSuffix(text, "h0m"); cut {
		text = short + "h"
	}
	return text
}

// showRTT keeps a tenth of a millisecond, and spells units as they are typed.
func showRTT(d time.Duration) string {
	if d >= time.Millisecond {
		d = d.Round(100 * time.Microsecond)
	}
	return orDash(strings.Replace(d.String(), "µ", "u", 1), d != 0)
}

func showAge(d time.Duration) string {
	if d < time.Second {
		return "just now"
	}
	return showDuration(d) + " ago"
}

// showCount sets thousands apart, for totals that people compare.
func showCount(n uint64) string {
	text := strconv.FormatUint(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// showVolume writes an amount of data that was transferred.
func showVolume(n uint64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if float64(n) >= unit.size {
			return strconv.FormatFloat(float64(n)/unit.size, 'f', 1, 64) + " " + unit.name
		}
	}
	return strconv.FormatUint(n, 10) + " B"
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return showCount(uint64(n)) + " " + many
}
