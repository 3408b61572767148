// SPDX-License-Identifier: Apache-2.0

// Package link owns one direction of an emulated path: it reads IP packets from
// one TUN descriptor, passes them through a drop-tail queue, a bottleneck, random
// loss and a propagation delay, and writes them to another descriptor.
//
// It refuses to know addresses, TCP, namespaces or the other direction, and it
// never reorders or changes a packet.
//
// The bottleneck is a virtual clock: a packet's departure follows from the
// departure of the one before it, not from when a thread woke up. A late wake-up
// makes single packets late but never lowers the rate.
//
//	lab -> link -> kernel (ppoll, read, write)
package link
