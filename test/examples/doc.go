// SPDX-License-Identifier: Apache-2.0

// Package examples runs each server of examples/ against the real agent and
// kernel, as its README says: it reports a QUIC connection, and the TCP
// connection of the same client that comes next resumes from that.
//
// It owns the clients. It refuses to judge speed: the counters, the entry and
// the events are the proof, and what it logs of times is for people.
//
//	examples -> example, rig, lab -> the programs of examples/, gcc, node
package examples
