// SPDX-License-Identifier: Apache-2.0

// Package kernels runs this repository's test programs on other kernels than
// the running one: Debian's, unpacked from their packages, booted in an
// emulated machine that needs no rights and no KVM.
//
// It owns fetching, the initramfs, the machine and the table of what each
// kernel did. It refuses to install anything on the host, and it refuses a
// skipped test: what a kernel cannot do is said by a probe, not by a test.
//
//	cmd/kernels -> kernels -> record, feature, rig, loader, go test -c, apt-get, qemu
package kernels
