// SPDX-License-Identifier: Apache-2.0

package pathstore

import (
	"fmt"
	"unsafe"

	"github.com/cilium/ebpf/btf"

	"github.com/tcpresume/tcpresume/bytecode"
)

// Counter is one way out of the gate or one outcome, under the kernel's name.
type Counter struct {
	Name  string `json:"name"`
	Value uint64 `json:"value"`
}

// Counters sums the kernel's counters over the CPUs, in the order of struct resume_stats.
func (s *Store) Counters() ([]Counter, error) {
	var perCPU []bytecode.KernelResumeStats
	if err := s.maps[bytecode.KernelMapResumeStats].Lookup(uint32(0), &perCPU); err != nil {
		return nil, fmt.Errorf("reading counters: %w", err)
	}
	spec, err := kernelSpec()
	if err != nil {
		return nil, err
	}
	var layout *btf.Struct
	if err := spec.Types.TypeByName("resume_stats", &layout); err != nil {
		return nil, err
	}
	counters := make([]Counter, len(layout.Members))
	for i, member := range layout.Members {
		counters[i].Name = member.Name
		for cpu := range perCPU {
			counters[i].Value += *(*uint64)(unsafe.Add(unsafe.Pointer(&perCPU[cpu]), member.Offset.Bytes()))
		}
	}
	return counters, nil
}
