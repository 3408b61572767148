// SPDX-License-Identifier: Apache-2.0

// Package plot owns the drawing of what was measured, as one SVG or PNG file:
// congestion window and delivered bytes of connections over time, or how a
// figure is distributed.
//
// It refuses to measure, to average and to smooth: it draws the samples it is
// given.
//
//	tests -> lab/plot -> lab (the Sample type), gonum/plot
package plot
