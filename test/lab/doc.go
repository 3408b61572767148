// SPDX-License-Identifier: Apache-2.0

// Package lab owns an emulated network path between two hosts on one machine and
// the measuring of TCP connections over it.
//
// A Lab is two anonymous network namespaces, client and server, each with one TUN
// device, and a link in user space between the devices: bottleneck rate, drop-tail
// queue, propagation delay, seeded random loss. Everything disappears with Close,
// and with the process at the latest.
//
// It refuses to know what is being measured: no eBPF, nothing of the product. It
// refuses to change the machine: sysctls, routes and congestion control are set in
// its own namespaces or on single sockets only. It needs root.
//
//	tests -> lab/plot -> lab -> lab/internal/{link,netns} -> kernel
package lab
