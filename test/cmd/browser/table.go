// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"
)

func print(w io.Writer, s setting, runs []run) error {
	window := "large"
	if s.Path.StockWindow {
		window = "stock"
	}
	_, err := fmt.Fprintf(w, "Chromium loads %d bytes after its fallback; path %v, %d Mbit/s, %s, client's receive window %s.\n\n"+
		"| how HTTP/3 ends | TCP | SYN to last byte | whole request | SYN-ACK after CONNECTION_CLOSE |\n|---|---|---:|---:|---:|\n",
		s.bytes, s.Path.RTT, s.Path.Rate/1e6, s.CC, window)
	for _, r := range runs {
		start := r.start()
		if r.with {
			start = fmt.Sprintf("%s, from %d bytes", start, r.saved)
		}
		fmt.Fprintf(w, "| %s | %s | %s | %s | %s |\n", r.scene.name, start,
			ms(r.got.FromConnect()-r.scene.wait), ms(r.got.Whole-r.scene.wait), ms(r.farewell))
	}
	for _, r := range runs {
		if r.with {
			fmt.Fprintf(w, "\n%s, what the agent and the kernel told:\n\n", r.scene.name)
			for _, line := range r.events {
				fmt.Fprintln(w, "    "+line)
			}
		}
	}
	return err
}

func (r run) start() string {
	if r.with {
		return "tcpresume"
	}
	return "cold"
}

func ms(d time.Duration) string {
	if d == 0 {
		return "-"
	}
	return fmt.Sprintf("%d ms", d.Milliseconds())
}
