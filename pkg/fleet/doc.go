// SPDX-License-Identifier: Apache-2.0

// Package fleet shares paths between the agents of one site, so that the server
// that gets a client's TCP connection knows what another one learnt by QUIC.
//
// It owns the message between agents, what may leave a machine and what may
// enter one, and the order in which changes of several machines count. The
// engine is NATS: one JetStream key-value bucket with the latest change of each
// peer, which every agent writes and follows. It refuses a protocol of its own
// between agents, clocks of other machines (lifetimes travel as remaining time),
// and to keep anybody waiting: it looks at the local maps and writes them, and
// what it cannot send it drops and counts.
//
//	report, event -> Look -> maps -> bucket -> follow -> maps of the others
//
// Arrow: fleet -> pathstore, resume, jsonline, textfile, nats.go
package fleet
