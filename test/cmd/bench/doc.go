// SPDX-License-Identifier: Apache-2.0

// Command bench measures what tcpresume gains and costs, each figure beside its
// rivals in the same run, and prints Markdown tables.
//
// It owns the sections, one function in a file each, and the tables. It refuses
// to assert: a figure is for people to judge.
//
//	bench -> test/bench, test/figures, test/lab, test/rig, pkg/pathstore, cilium/ebpf
package main
