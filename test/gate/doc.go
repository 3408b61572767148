// SPDX-License-Identifier: Apache-2.0

// Package gate tests, on the running kernel and with real sockets, what is
// decided for a connection at ESTABLISHED and what the wrapped congestion
// controls then do to its socket.
//
// It owns the counters, windows, claims, drop-in maps, policies and kinds of
// sockets. It refuses what loading, replacing and removing does (package
// runtime), and it refuses to skip: a feature that the kernel lacks is a
// failure.
//
//	gate -> rig, lab -> loader, pathstore, kernel
package gate
