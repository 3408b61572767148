// SPDX-License-Identifier: Apache-2.0

package image

import (
	"testing"

	"github.com/cilium/ebpf"
)

// The names are those of bpfman's own labels, in the order of the kernel's enum.
func TestMapTypesAreSpeltAsBpfmanDoes(t *testing.T) {
	for i, want := range []string{
		"hash", "array", "prog_array", "perf_event_array", "per_cpu_hash", "per_cpu_array", "stack_trace", "cgroup_array",
		"lru_hash", "lru_per_cpu_hash", "lpm_trie", "array_of_maps", "hash_of_maps", "devmap", "sockmap", "cpumap", "xskmap",
		"sockhash", "cgroup_storage", "reuseport_sockarray", "per_cpu_cgroup_storage", "queue", "stack", "sk_storage",
		"devmap_hash", "struct_ops", "ringbuf", "inode_storage", "task_storage", "bloom_filter", "user_ringbuf",
		"cgrp_storage", "arena",
	} {
		if got := mapType(ebpf.Hash + ebpf.MapType(i)); got != want {
			t.Errorf("map type %d is %q, want %q", i+1, got, want)
		}
	}
}

func TestProgramTypesAreSpeltAsBpfmanDoes(t *testing.T) {
	for _, c := range []struct {
		section string
		kind    ebpf.ProgramType
		want    string
	}{
		{"sockops", ebpf.SockOps, "sock_ops"},
		{"tracepoint/tcp/tcp_retransmit_skb", ebpf.TracePoint, "tracepoint"},
		{"tp/tcp/tcp_send_reset", ebpf.TracePoint, "tracepoint"},
		{"raw_tp/sys_enter", ebpf.RawTracepoint, "raw_tracepoint"},
		{"?fentry/tcp_v4_connect", ebpf.Tracing, "fentry"},
		{"kretprobe/f", ebpf.Kprobe, "kretprobe"},
		{"tc", ebpf.SchedCLS, "tc"},
		{"xdp", ebpf.XDP, "xdp"},
		{"cgroup/setsockopt", ebpf.CGroupSockopt, "cgroup_sockopt"},
	} {
		if got := programType(&ebpf.ProgramSpec{SectionName: c.section, Type: c.kind}); got != c.want {
			t.Errorf("%s is %q, want %q", c.section, got, c.want)
		}
	}
}
