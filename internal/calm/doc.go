// SPDX-License-Identifier: Apache-2.0

// Package calm keeps a log readable while something fails again and again, in
// one way or in several by turns.
//
// It owns when a line is written. It refuses to know what it says.
//
// Arrow: calm -> standard library
package calm
