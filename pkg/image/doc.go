// SPDX-License-Identifier: Apache-2.0

// Package image makes OCI images without a container engine, moves them between
// registries, directories and archives, and says what bpfman would make of one.
//
// It owns the form of the bytecode image that both generations of bpfman
// accept, the labels computed from the object, and reproducible bytes: the same
// input has the same digest on every machine. It refuses to load BPF and to
// sign, and leaves nothing half-written at a destination.
//
// Arrow: image -> bytecode, textfile, cilium/ebpf, go-containerregistry
package image
