// SPDX-License-Identifier: Apache-2.0

// Package bench owns the measuring of one transfer in a named mode: cold, by a
// route's initial window, or resumed by tcpresume.
//
// It refuses to know what is done with the figures, and gives none that it
// cannot vouch for: a trial during which the machine was too busy is made again,
// the best of them comes with what was tolerated, and one that was to be resumed
// and was not is an error.
//
//	demo, bench -> test/bench -> test/rig, test/lab
package bench
