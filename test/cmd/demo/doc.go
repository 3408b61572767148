// SPDX-License-Identifier: Apache-2.0

// Command demo shows in a few seconds what tcpresume does for one response over
// a long path, beside what a server does without it.
//
// It owns words and a picture. It refuses to measure: test/bench does.
//
//	demo -> test/bench, test/lab/plot
package main
