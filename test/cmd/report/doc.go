// SPDX-License-Identifier: Apache-2.0

// Command report puts together what the measuring programs have left in one
// directory: a Markdown report, pictures, and the values in the format of Go's
// benchmarks, by which benchstat compares two runs.
//
// It owns the order of the parts. It refuses to measure, and to leave out a part
// that is there.
//
//	report -> figures, lab/plot
package main
