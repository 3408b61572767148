// SPDX-License-Identifier: Apache-2.0

// Package careful tests mode careful (RFC 9959) end to end: real sockets on the
// running kernel over an emulated path, from the entry to the jump and to what
// becomes of both.
//
// It owns what needs a socket: claims, pacing, the window that the stack really
// uses, recovery, observing. It refuses the machine itself (package phase), the
// gate's other ways out (package gate), and to judge speed.
//
//	careful -> rig, lab -> loader, pathstore, kernel
package careful
