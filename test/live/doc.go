// SPDX-License-Identifier: Apache-2.0

// Package live tests how a path reaches connections that are there already, by
// a pass over the idle ones and by an application's ask: real sockets on the
// running kernel over an emulated path.
//
// It owns which sockets are reached, what is refused by which name, and what
// may not be touched. It refuses the phases themselves (packages phase and careful).
//
//	live -> rig, lab -> loader, pathstore, revive, ask, kernel
package live
