// SPDX-License-Identifier: Apache-2.0

// Package phase checks the pure functions of the BPF programs as the kernel
// runs them: the step function of RFC 9959's phases and the seal of an entry.
//
// It owns the RFC's vectors, every transition and a second, independent model
// of the machine. It refuses sockets, paths and time: those belong to the
// end-to-end tests. It needs the right to load BPF and nothing else.
//
//	phase -> bytecode, pkg/pathstore -> kernel
package phase
