// SPDX-License-Identifier: Apache-2.0

package image

import "slices"

const linux = "linux"

// Architectures are the machines that our images are made for, as Go and OCI
// name them.
var Architectures = []string{"amd64", "arm64", "ppc64le", "riscv64", "s390x"}

// bigEndian are the architectures of Linux that load objects for big-endian
// machines; all others load the same little-endian one.
var bigEndian = []string{"armbe", "arm64be", "mips", "mips64", "ppc", "ppc64", "s390", "s390x", "sparc64"}

func orderOf(architecture string) ByteOrder {
	if slices.Contains(bigEndian, architecture) {
		return BigEndian
	}
	return LittleEndian
}
