// SPDX-License-Identifier: Apache-2.0

// Package bpfman finds what bpfman has loaded of ours, makes tcpresume run on
// it, and says where the two no longer agree.
//
// It owns the ways of asking bpfman (gRPC, its command, the operator's state,
// pins) for both of its generations, 0.6 in Rust and the one in Go, and the
// check of every answer against the kernel. It refuses to load, unload or
// attach anything in bpfman's name, and to write below bpfman's directories.
//
// Arrow: bpfman -> loader, pathstore, bytecode, textfile
package bpfman
