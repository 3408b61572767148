// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * For tests: the pure functions, run by BPF_PROG_RUN on what user space puts
 * into a map. Never part of a running tcpresume.
 */
#include "defaults.h"
#include "kernel.h"
#include "phase.h"
#include "seal.h"
#include "stats.h"

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

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct resume_policy);
} check_policies SEC(".maps");

#define CHECK_COUNTS (1 << 20)

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

SEC("syscall")
int policy_check(void *ctx)
{
	__u32 zero = 0;
	struct resume_policy *policy = bpf_map_lookup_elem(&check_policies, &zero);

	if (policy)
		policy_default(policy);
	return 0;
}

static long count_one(__u32 index, void *ctx)
{
	stats_count(established);
	return 0;
}

/* So often that another run on the same processor cuts into it. */
SEC("syscall")
int count_check(void *ctx)
{
	bpf_loop(CHECK_COUNTS, count_one, NULL, 0);
	return 0;
}
