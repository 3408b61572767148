// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
)

func (s *story) writeTable(to io.Writer) {
	const widest = 32
	var slowest time.Duration
	for _, t := range s.trials {
		slowest = max(slowest, t.Elapsed)
	}
	const row = "%-7s %8s %8s %12s %20s  %s\n"
	fmt.Fprintf(to, row, "mode", "time", "x ideal", "retransmits", "first flight", "")
	for _, t := range s.trials {
		bar := int(math.Round(widest * float64(t.Elapsed) / float64(slowest)))
		fmt.Fprintf(to, row, t.Mode.Name, milliseconds(t.Elapsed), fmt.Sprintf("%.2f", t.Ratio), fmt.Sprint(t.Retransmits),
			fmt.Sprintf("%d segments", len(t.Flight)), strings.Repeat("█", bar))
	}
}
