// SPDX-License-Identifier: Apache-2.0

// Package revive brings stored paths to the connections that peers have
// already: one pass over the sockets of the host serves every path that was
// stored since the last.
//
// It owns when a pass is made, what passes may cost, and the walk through the
// network namespaces. It refuses to choose: which socket gets a path is the
// kernel program's decision, behind the pinned link that a pass reads.
//
// Arrow: revive -> standard library, mountinfo, x/sys
package revive
