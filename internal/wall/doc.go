// SPDX-License-Identifier: Apache-2.0

// Package wall dates what has happened by the clock as it is now.
//
// It owns the difference between a clock that may be set, as by NTP soon after
// boot, and the one by which time passes. It refuses to format anything.
//
// Arrow: wall -> standard library
package wall
