// SPDX-License-Identifier: Apache-2.0

package image

import (
	"strings"
	"unicode"

	"github.com/cilium/ebpf"
)

// mapTypes are those whose names in bpfman's labels do not follow from ours.
var mapTypes = map[ebpf.MapType]string{
	ebpf.ProgramArray:       "prog_array",
	ebpf.LRUCPUHash:         "lru_per_cpu_hash",
	ebpf.DevMap:             "devmap",
	ebpf.DevMapHash:         "devmap_hash",
	ebpf.SockMap:            "sockmap",
	ebpf.SockHash:           "sockhash",
	ebpf.CPUMap:             "cpumap",
	ebpf.XSKMap:             "xskmap",
	ebpf.ReusePortSockArray: "reuseport_sockarray",
	ebpf.StructOpsMap:       "struct_ops",
	ebpf.RingBuf:            "ringbuf",
	ebpf.CgroupStorage:      "cgrp_storage",
}

func mapType(t ebpf.MapType) string {
	if name, ok := mapTypes[t]; ok {
		return name
	}
	return snake(t.String())
}

// programType names what bpfman would be told at load. Several of its types are
// one type of the kernel's, told apart by the section.
func programType(p *ebpf.ProgramSpec) string {
	section, _, _ := strings.Cut(strings.TrimPrefix(p.SectionName, "?"), "/")
	switch section {
	case "fentry", "fexit", "kprobe", "kretprobe", "uprobe", "uretprobe", "tcx", "lsm":
		return section
	}
	switch p.Type {
	case ebpf.SchedCLS:
		return "tc"
	case ebpf.TracePoint:
		return "tracepoint"
	}
	return snake(p.Type.String())
}

// snake sets words apart: LPMTrie becomes lpm_trie, PerCPUArray per_cpu_array.
func snake(name string) string {
	runes := []rune(strings.ReplaceAll(name, "CGroup", "Cgroup"))
	var out strings.Builder
	for i, r := range runes {
		wordEnds := i > 0 && unicode.IsLower(runes[i-1])
		wordBegins := i > 0 && i+1 < len(runes) && unicode.IsLower(runes[i+1])
		if unicode.IsUpper(r) && (wordEnds || wordBegins) {
			out.WriteByte('_')
		}
		out.WriteRune(unicode.ToLower(r))
	}
	return out.String()
}
