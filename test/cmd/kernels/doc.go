// SPDX-License-Identifier: Apache-2.0

// Command kernels runs this repository's kernel tests on Debian's kernels and
// on the running one, and writes the table of what each of them did.
//
// It owns flags and progress. It refuses to judge: package kernels does.
//
//	cmd/kernels -> kernels -> apt-get, qemu
package main
