// SPDX-License-Identifier: Apache-2.0

// Package agent takes reports of congestion state from the servers of this
// machine, over a Unix datagram socket and over HTTP on a Unix socket, and
// writes what they are worth into the store of paths.
//
// It owns who may report what (uid, gid, prefixes, rates), the rules by which
// samples of QUIC connections become one path (NAT, migration, stacks that know
// no threshold), the order of writes, and the answers. It refuses to load or to
// know the kernel part, and to cut windows down: the kernel jumps to half by
// itself. A path is in the map before the reporter gets its answer.
//
// Arrow: agent -> pathstore, resume, jsonline
package agent
