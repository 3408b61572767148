// SPDX-License-Identifier: Apache-2.0

// Package plot owns the drawing of measured connections: congestion window and
// delivered bytes over time, as one SVG or PNG file.
//
// It refuses to measure, to average and to smooth: it draws the samples it is
// given.
//
//	tests -> lab/plot -> lab (the Sample type), gonum/plot
package plot
