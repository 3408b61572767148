// SPDX-License-Identifier: Apache-2.0

// Package check holds the few words in which the tests of this module judge:
// what must not fail, what must be the same, what lies between, and what happens
// in the end.
//
// It owns how a difference is shown and how something is waited for. It refuses
// to know what is tested.
//
//	check -> testing, go-cmp
package check
