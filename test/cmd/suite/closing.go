// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// close names what was not run, and the command that does.
func (o *outcome) close(to io.Writer, chosen func(step) bool) {
	for _, test := range o.skipped {
		fmt.Fprintf(to, "skipped: %s\n", test)
	}
	var long []string
	for _, s := range steps() {
		if !chosen(s) {
			long = append(long, s.name)
		}
	}
	if len(long) > 0 {
		fmt.Fprintf(to, "not run: %s (make test-all)\n", strings.Join(long, "; "))
	}
	if o.short {
		fmt.Fprintln(to, "not run: most combinations of family, end and congestion control in test/careful, of which each was run (make test-all)")
	}
	var others []string
	for _, path := range slices.Sorted(maps.Keys(elsewhere)) {
		others = append(others, fmt.Sprintf("test/%s (%s)", path[len("./"):], elsewhere[path]))
	}
	fmt.Fprintf(to, "not run: %s; other kernels (make test-kernels); fuzzing (make fuzz)\n", strings.Join(others, ", "))
}
