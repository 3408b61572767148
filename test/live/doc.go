// SPDX-License-Identifier: Apache-2.0

// Package live tests how a stored path reaches connections that the peer has
// already: real sockets on the running kernel over an emulated path.
//
// It owns which sockets are reached, what happens to them then, and what a pass
// may touch. It refuses the phases themselves (packages phase and careful).
//
//	live -> rig, lab -> loader, pathstore, revive, kernel
package live
