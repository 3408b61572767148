// SPDX-License-Identifier: Apache-2.0

// Command stale measures what a wrong entry costs: one of ten times the BDP,
// used beside a long CUBIC flow, and used on an idle smaller path.
//
// It owns the two scenes and their tables. It refuses to call a fast newcomer
// good: what the others lost counts.
//
//	stale -> figures, rig -> lab
package main
