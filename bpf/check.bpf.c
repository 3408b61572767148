// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * For tests: the pure functions, run by BPF_PROG_RUN on what user space puts
 * into a map. Never part of a running tcpresume.
 */
#include "kernel.h"
#include "phase.h"
#include "seal.h"

char _license[] SEC("license") = "Dual BSD/GPL";

struct check_phase {
	struct phase phase;
	struct phase_io io;
};

struct check_seal {
	struct resume_peer peer;
	struct resume_path path;
	__u64 seal;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct check_phase);
} check_phases SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct check_seal);
} check_seals SEC(".maps");

SEC("syscall")
int phase_check(void *ctx)
{
	__u32 zero = 0;
	struct check_phase *check = bpf_map_lookup_elem(&check_phases, &zero);

	if (check)
		phase_step(&check->phase, &check->io);
	return 0;
}

/* The trigger that stands in io is the reason for leaving. */
SEC("syscall")
int leave_check(void *ctx)
{
	__u32 zero = 0;
	struct check_phase *check = bpf_map_lookup_elem(&check_phases, &zero);

	if (check)
		phase_leave(&check->phase, &check->io, check->io.trigger);
	return 0;
}

SEC("syscall")
int seal_check(void *ctx)
{
	__u32 zero = 0;
	struct check_seal *check = bpf_map_lookup_elem(&check_seals, &zero);

	if (check)
		check->seal = path_seal(&check->peer, &check->path);
	return 0;
}
