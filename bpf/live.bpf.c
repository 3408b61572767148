// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * A stored path reaches the connections that the peer has already. One walk
 * over the sockets of a network namespace serves every path that was stored
 * since the last; whoever opens the pinned link for reading makes one.
 */
#include "join.h"

char _license[] SEC("license") = "Dual BSD/GPL";

#define CGROUP_LEVELS 32 /* deeper ones are not looked at */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct resume_reach);
} resume_reach SEC(".maps");

/* True for sockets of the cgroup that tcpresume is attached to, and below. */
static __always_inline bool live_within(const struct sock *sk)
{
	const struct cgroup *cgroup = BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	const void *ancestors = (const void *)cgroup + bpf_core_field_offset(cgroup->ancestors);
	int level = BPF_CORE_READ(cgroup, level);
	struct resume_reach *reach;
	__u32 zero = 0;

	reach = bpf_map_lookup_elem(&resume_reach, &zero);
	if (!reach)
		return false;
	for (int i = 0; i < CGROUP_LEVELS && i <= level; i++) {
		struct cgroup *ancestor = NULL;

		bpf_probe_read_kernel(&ancestor, sizeof(ancestor), ancestors + i * sizeof(void *));
		if (BPF_CORE_READ(ancestor, kn, id) == reach->cgroup_id)
			return true;
	}
	return false;
}

/* A function of its own, so that the object describes what it returns. */
static __noinline enum resume_verdict live_join(struct tcp_sock *tp)
{
	struct sock *sk = (struct sock *)tp;
	enum resume_verdict verdict;
	struct join join = {};

	join_peer(sk, &join);
	if (join.policy.mode == RESUME_MODE_OFF || join.policy.live == RESUME_LIVE_NEVER)
		return RESUME_VERDICT_NO_SAVED_PATH; /* not worth a count for each socket */
	verdict = join_find(&join);
	if (verdict == RESUME_VERDICT_NO_SAVED_PATH || draining() || !live_within(sk))
		return RESUME_VERDICT_NO_SAVED_PATH;
	join.cookie = bpf_get_socket_cookie(sk);
	if (verdict == RESUME_VERDICT_IN_USE && join.path.claim == join.cookie)
		return RESUME_VERDICT_ALREADY;
	if (verdict)
		return verdict;
	if (join.path.mode == RESUME_MODE_OFF)
		return RESUME_VERDICT_OFF;
	join.mode = RESUME_MODE_CAREFUL; /* exact is for a connection's beginning */
	verdict = join_admit(sk, &join);
	if (verdict)
		return verdict;
	return join_enter(tp, sk, &join, RESUME_TRIGGER_REVIVED);
}

/* The reader gets one byte, enum resume_verdict, for each socket that has a path, then the number
 * of all. */
SEC("iter/tcp")
int tcp_live(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	enum resume_verdict verdict;
	struct tcp_sock *tp;
	__u64 seen;
	__u8 told;

	if (!common) {
		seen = ctx->meta->seq_num;
		bpf_seq_write(ctx->meta->seq, &seen, sizeof(seen));
		return 0;
	}
	if (common->skc_state != BPF_TCP_ESTABLISHED)
		return 0;
	tp = bpf_skc_to_tcp_sock(common);
	if (!tp || !join_idle(tp->packets_out, tp->write_seq - tp->snd_nxt, tp->lsndtime,
			      tp->inet_conn.icsk_rto))
		return 0;
	verdict = live_join(tp);
	if (verdict == RESUME_VERDICT_NO_SAVED_PATH || verdict == RESUME_VERDICT_ALREADY)
		return 0;
	stats_verdict(live, verdict);
	told = verdict;
	bpf_seq_write(ctx->meta->seq, &told, sizeof(told));
	return 0;
}
