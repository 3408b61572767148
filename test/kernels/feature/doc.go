// SPDX-License-Identifier: Apache-2.0

// Package feature finds out what the running kernel can do that tcpresume
// cares about, by trying it, never by its version.
//
// It owns the list of features with what happens without each, and one load of
// tcpresume with all it says. It refuses to know tests and other machines.
//
//	guest, kernels -> feature -> lab, loader, bytecode, kernel
package feature
