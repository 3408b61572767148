// SPDX-License-Identifier: Apache-2.0

// Package wire is a TCP connection's way to a server that can be cut and mended.
//
// It owns the connections that lead through it. It refuses to know what they carry.
//
//	wire -> standard library
package wire
