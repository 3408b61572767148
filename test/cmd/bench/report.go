// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
)

// section is one part of the report.
type section struct {
	title  string
	method string // how it was measured, in one paragraph
	tables []table
}

type table struct {
	caption string
	head    []string // the first column is text, the others are figures
	texts   int      // how many of the first columns are text; 0 means one
	rows    [][]string
}

func (s section) write(w io.Writer) {
	fmt.Fprintf(w, "\n### %s\n\n%s\n", s.title, s.method)
	for _, t := range s.tables {
		t.write(w)
	}
}

func (t table) write(w io.Writer) {
	if t.caption != "" {
		fmt.Fprintf(w, "\n**%s**\n", t.caption)
	}
	fmt.Fprintln(w)
	writeRow(w, t.head)
	rule := make([]string, len(t.head))
	for i := range rule {
		rule[i] = "---:"
		if i < max(t.texts, 1) {
			rule[i] = "---"
		}
	}
	writeRow(w, rule)
	for _, row := range t.rows {
		writeRow(w, row)
	}
}

func writeRow(w io.Writer, cells []string) {
	fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
}
