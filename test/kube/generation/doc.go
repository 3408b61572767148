// SPDX-License-Identifier: Apache-2.0

// Package generation plays what bpfman does on a node: it loads the programs, as
// the generation in Go or the one in Rust would, and unloads them again.
//
// It owns the descriptors that hold them. It refuses to pin: bpfman's pins are out
// of a pod's sight, and only the kernel's ids, as a state object names them, lead
// to what it loaded.
//
//	node, kubelet -> generation -> bytecode, kube/cluster
package generation
