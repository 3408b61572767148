// SPDX-License-Identifier: Apache-2.0

// Command kernels runs this repository's kernel tests on Debian's kernels and
// on the running one, and writes the table of what each of them did:
//
//	go run ./cmd/kernels -only newest,6.12 -md ../docs/kernels.md	# whole suites on two kernels
//	go run ./cmd/kernels -quick -only 7.1	# the subset on one
//
// It owns flags and progress. It refuses to judge: package kernels does.
//
//	cmd/kernels -> kernels -> apt-get, qemu
package main
