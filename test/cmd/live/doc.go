// SPDX-License-Identifier: Apache-2.0

// Command live measures what a report gains for a connection that its client
// has already, what a pass over the live connections of a host costs, and what
// other socket options cost where asks are allowed.
//
// It owns the scenes and their tables. It refuses to assert.
//
//	live -> figures, rig, lab -> pkg/revive, pkg/pathstore
package main
