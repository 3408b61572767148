// SPDX-License-Identifier: Apache-2.0

// Package faults breaks one thing at a time under a tcpresume that works, with
// connections of three congestion controls on it, and counts what was harmed.
//
// It owns the load, the check after each fault (connections, paths, pins,
// links) and the table docs/faults.md. It refuses what needs no load, which the
// packages runtime and agent test, and faults of the emulated path (careful).
//
//	faults -> rig, lab -> loader, pathstore, client, the tcpresume program
package faults
