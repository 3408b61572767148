// SPDX-License-Identifier: Apache-2.0

package bytecode

import (
	_ "embed"
	"encoding/binary"
)

var (
	//go:embed kernel_bpfel.o
	kernelLittle []byte
	//go:embed kernel_bpfeb.o
	kernelBig []byte
)

// KernelObject is the ELF file of resume.bpf.c for machines of a byte order. An
// image is made on one machine for others, so both orders are in every build.
// The caller must not write into it.
func KernelObject(order binary.ByteOrder) []byte {
	if order == binary.BigEndian {
		return kernelBig
	}
	return kernelLittle
}
