// SPDX-License-Identifier: Apache-2.0

// Command demo shows in a few seconds what tcpresume does for one response over
// a long path, beside what a server does without it.
//
// It owns words, a picture, and how slow the path has to be for the machine. It
// refuses to measure, which test/bench does, and to end without its table.
//
//	demo -> test/bench, test/lab/plot
package main
