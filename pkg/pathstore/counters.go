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

	Trigger bool `json:"-"` // one of resume_trigger, not a field of its own
	WayOut  bool `json:"-"` // one of the ways out of the gate, whose sum is "established"
}

// Counters sums the kernel's counters over the CPUs, in the order of struct resume_stats.
func (s *Store) Counters() ([]Counter, error) {
	var perCPU []bytecode.KernelResumeStats
	if err := s.maps[bytecode.KernelMapResumeStats].Lookup(uint32(0), &perCPU); err != nil {
		return nil, fmt.Errorf("reading counters: %w", err)
	}
	return sum(perCPU)
}

// ZeroCounters returns every counter there is, at zero.
func ZeroCounters() ([]Counter, error) {
	return sum(make([]bytecode.KernelResumeStats, 1))
}

// CounterNames lists every counter there is.
func CounterNames() ([]string, error) {
	zero, err := ZeroCounters()
	names := make([]string, len(zero))
	for i, counter := range zero {
		names[i] = counter.Name
	}
	return names, err
}

func sum(perCPU []bytecode.KernelResumeStats) ([]Counter, error) {
	spec, err := kernelSpec()
	if err != nil {
		return nil, err
	}
	var layout *btf.Struct
	if err := spec.Types.TypeByName("resume_stats", &layout); err != nil {
		return nil, err
	}
	var counters []Counter
	waysOut := true // from the second field to cwnd_only, as layout.h has them
	for _, member := range layout.Members {
		var total []uint64
		for cpu := range perCPU {
			total = addUp(total, unsafe.Pointer(&perCPU[cpu]), member)
		}
		if _, ok := btf.As[*btf.Array](member.Type); !ok {
			counters = append(counters, Counter{Name: member.Name, Value: total[0], WayOut: waysOut && len(counters) > 0})
			waysOut = waysOut && member.Name != "cwnd_only"
			continue
		}
		counters = append(counters, named(member.Name, total)...)
	}
	return counters, nil
}

// named gives the counters of an array the names of the enum that counts it.
func named(array string, total []uint64) (counters []Counter) {
	enum, prefix, first := "resume_verdict", array+"_", 0
	if array == "triggers" {
		enum, prefix, first = "resume_trigger", "", 1 // 0 is no trigger at all
	}
	for i := first; i < len(vocabularies()[enum].words); i++ {
		counters = append(counters, Counter{Name: prefix + word(enum, uint32(i)), Value: total[i], Trigger: array == "triggers"})
	}
	return counters
}

// addUp adds one CPU's counter, or array of counters, to the totals.
func addUp(total []uint64, stats unsafe.Pointer, member btf.Member) []uint64 {
	length := uint32(1)
	if array, ok := btf.As[*btf.Array](member.Type); ok {
		length = array.Nelems
	}
	values := unsafe.Slice((*uint64)(unsafe.Add(stats, member.Offset.Bytes())), length)
	if total == nil {
		total = make([]uint64, length)
	}
	for i, value := range values {
		total[i] += value
	}
	return total
}
