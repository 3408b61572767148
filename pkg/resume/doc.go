// SPDX-License-Identifier: Apache-2.0

// Package resume is the vocabulary of tcpresume and its rules, without a
// kernel: what a saved path is, which values it may hold, in which units, and
// what a policy allows.
//
// It owns parsing, validation and the texts of their errors. It refuses I/O,
// clocks and anything of the kernel's layout.
//
// Arrow: resume -> jsonline
package resume
