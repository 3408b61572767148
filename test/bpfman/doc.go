// SPDX-License-Identifier: Apache-2.0

// Package bpfman tests tcpresume on what a real bpfman has loaded: the image
// pushed to a registry, pulled and loaded by bpfman's own command, brought up,
// written through bpfman's pins, resumed on the emulated path, unloaded and
// loaded again under live connections.
//
// It owns the machine around bpfman: its directories, its registry, its
// network. It refuses stand-ins: where bpfman is not to be had, a directory as
// it leaves it is said to be one. It refuses what needs no bpfman (packages gate
// and runtime).
//
//	bpfman -> rig, lab -> the tcpresume and bpfman commands -> kernel
package bpfman
