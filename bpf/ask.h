/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an ask may have: bounded by the rule of the cgroup and by the policy of
 * the connection's peer, and subject to the claims of all other connections.
 */
#ifndef RESUME_ASK_H
#define RESUME_ASK_H

#include "join.h"

enum {
	EPERM = 1,
	ENOENT = 2,
	EAGAIN = 11,
	ENOMEM = 12,
	EBUSY = 16,
	EINVAL = 22,
	ERANGE = 34,
	ENODATA = 61,
	EOPNOTSUPP = 95,
	ENOTCONN = 107,
	EALREADY = 114,
	EDQUOT = 122,
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct resume_ask_rule);
} resume_ask_rule SEC(".maps");

/*
 * What this cgroup's applications may store is a part of the map, so that they
 * cannot push out the paths of others: so many new entries in so long a time.
 */
#define ASK_SHARE 32
#define ASK_SPAN_NS (600 * SECOND_NS)

struct ask_stored {
	__u64 since_ns;
	__u64 entries;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ask_stored);
} resume_ask_stored SEC(".maps");

/* One for each verdict but the first; docs/ask.md has them as a table. */
static __always_inline int ask_errno(enum resume_verdict verdict)
{
	switch (verdict) {
	case RESUME_VERDICT_OFF:
		return EPERM;
	case RESUME_VERDICT_NO_SAVED_PATH:
	case RESUME_VERDICT_LIFETIME_EXCEEDED:
		return ENOENT;
	case RESUME_VERDICT_IN_USE:
		return EBUSY;
	case RESUME_VERDICT_NO_SAVED_RTT:
		return ENODATA;
	case RESUME_VERDICT_RTT_NOT_VALIDATED:
		return ERANGE;
	case RESUME_VERDICT_NO_GAIN:
	case RESUME_VERDICT_ALREADY:
		return EALREADY;
	case RESUME_VERDICT_NO_MEMORY:
		return ENOMEM;
	case RESUME_VERDICT_MALFORMED:
		return EINVAL;
	case RESUME_VERDICT_NOT_CONNECTED:
		return ENOTCONN;
	case RESUME_VERDICT_UNSUPPORTED:
		return EOPNOTSUPP;
	case RESUME_VERDICT_QUOTA:
		return EDQUOT;
	default: /* losses are being repaired, or the entry is being rewritten */
		return EAGAIN;
	}
}

/*
 * The socket by its address. The type that the verifier gives it here hides
 * most fields; read as memory, the pointer on our stack is a plain number.
 */
static __always_inline const struct sock *ask_sock(struct bpf_sock *sk)
{
	struct bpf_sock *volatile slot = sk;
	__u64 addr = 0;

	bpf_probe_read_kernel(&addr, sizeof(addr), (void *)&slot);
	return (const struct sock *)addr;
}

static __always_inline enum resume_verdict ask_form(const struct resume_ask *ask)
{
	if (ask->version != RESUME_ASK_VERSION || ask->kind < RESUME_ASK_PEER ||
	    ask->kind > RESUME_ASK_STATE || ask->mode > RESUME_MODE_CAREFUL ||
	    ask->mode == RESUME_MODE_OFF)
		return RESUME_VERDICT_MALFORMED;
	if (ask->kind == RESUME_ASK_STATE && !ask->cwnd_bytes)
		return RESUME_VERDICT_MALFORMED;
	return RESUME_VERDICT_RESUMED;
}

static __always_inline __u32 tighter(__u32 cap, __u32 other)
{
	return !cap || (other && other < cap) ? other : cap;
}

/* Names the connection as claims and events do, also where nobody has asked for its cookie yet. */
static __always_inline __u64 ask_cookie(const struct sock *sk)
{
	__u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	__u64 unique = bpf_ktime_get_ns() << 6 | (bpf_get_smp_processor_id() & 63);

	return cookie ?: (unique >> 2) | 1ULL << 62;
}

/* True if another connection of the address has its entry: RFC 9959 3.2 leaves nothing for this. */
static __always_inline bool ask_path_taken(const struct join *join)
{
	struct resume_path copy, *entry;

	return claim_read(&join->peer, &copy, &entry) == CLAIM_TAKEN &&
	       copy.claim != join->cookie && !path_expired(&join->policy, &copy);
}

static __always_inline enum resume_verdict ask_find(const struct resume_ask *ask, struct join *join)
{
	enum resume_verdict verdict;
	__u32 retreats;

	if (ask->kind == RESUME_ASK_TOKEN) {
		__builtin_memcpy(join->key.addr, ask->token, sizeof(join->key.addr));
		join->key.scope = RESUME_SCOPE_TOKEN;
	}
	if (ask->kind == RESUME_ASK_STATE)
		join->key.scope |= RESUME_SCOPE_ASKED;
	verdict = join_find(join);
	if (ask->kind != RESUME_ASK_STATE) {
		if (verdict == RESUME_VERDICT_IN_USE && join->path.claim == join->cookie)
			return RESUME_VERDICT_ALREADY;
		return verdict;
	}
	/* In use by another connection, or refuted and not forgotten yet; not merely used. */
	if (verdict == RESUME_VERDICT_IN_USE && join->path.claim != join->cookie &&
	    (join->path.claim != RESUME_SPENT || join->path.retreats))
		return verdict;
	if (verdict == RESUME_VERDICT_PATH_UNSTABLE)
		return verdict;
	retreats = verdict == RESUME_VERDICT_NO_SAVED_PATH ? 0 : join->path.retreats;
	__builtin_memset(&join->path, 0, sizeof(join->path));
	join->path.retreats = retreats;
	join->path.cwnd_bytes = ask->cwnd_bytes;
	join->path.ssthresh_bytes = ask->ssthresh_bytes;
	join->path.min_rtt_us = ask->min_rtt_us;
	join->path.source = RESUME_SOURCE_APPLICATION;
	return RESUME_VERDICT_RESUMED;
}

/* Mode exact takes the application's wish, the cgroup's rule, and the entry or the peer's policy.
 */
static __always_inline enum resume_verdict
ask_allowed(const struct resume_ask *ask, const struct resume_ask_rule *rule, struct join *join)
{
	enum resume_mode most = join->path.mode ?: join->policy.mode;

	if (join->policy.mode == RESUME_MODE_OFF || most == RESUME_MODE_OFF)
		return RESUME_VERDICT_OFF;
	join->mode = ask->mode == RESUME_MODE_EXACT ? RESUME_MODE_EXACT : RESUME_MODE_CAREFUL;
	if (join->mode == RESUME_MODE_EXACT &&
	    (rule->mode != RESUME_MODE_EXACT || most != RESUME_MODE_EXACT))
		return RESUME_VERDICT_OFF;
	join->policy.max_cwnd_bytes = tighter(join->policy.max_cwnd_bytes, rule->max_cwnd_bytes);
	join->policy.max_ssthresh_bytes =
		tighter(join->policy.max_ssthresh_bytes, rule->max_ssthresh_bytes);
	return RESUME_VERDICT_RESUMED;
}

static __always_inline bool ask_within_share(void)
{
	__u32 zero = 0, share = ((struct bpf_map *)&resume_paths)->max_entries / ASK_SHARE;
	struct ask_stored *stored = bpf_map_lookup_elem(&resume_ask_stored, &zero);
	__u64 now = bpf_ktime_get_boot_ns();

	if (!stored)
		return false;
	if (now - stored->since_ns > ASK_SPAN_NS) {
		stored->since_ns = now;
		stored->entries = 0;
	}
	return __sync_fetch_and_add(&stored->entries, 1) < share;
}

/*
 * State that comes with the ask is stored like a report, but under a key that
 * no other connection looks up: claims, retreats and expiry work on it as on
 * any entry, and nobody gets what an application made up for itself.
 */
static __always_inline enum resume_verdict ask_store(struct join *join)
{
	join->path.stored_ns = bpf_ktime_get_boot_ns();
	join->path.expires_ns = join->path.stored_ns + join->policy.lifetime_s * SECOND_NS;
	join->path.claim = path_seal(&join->key, &join->path);
	/* In place of its own it takes no room. */
	if (bpf_map_update_elem(&resume_paths, &join->key, &join->path, BPF_EXIST)) {
		if (!ask_within_share())
			return RESUME_VERDICT_QUOTA;
		if (bpf_map_update_elem(&resume_paths, &join->key, &join->path, BPF_ANY))
			return RESUME_VERDICT_NO_MEMORY;
	}
	return join_find(join);
}

/* One jump for an ask, and another one only after the connection was idle: or asking would take the
 * place of congestion control. */
static __always_inline bool ask_used_up(struct bpf_sock *ctx, const struct sock *sk)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;
	struct resume_conn *conn = bpf_sk_storage_get(&resume_conns, ctx, 0, 0);

	if (!conn || (!conn->ph.jump && conn->ph.now != RESUME_PHASE_EXACT &&
		      conn->event.mode != RESUME_MODE_EXACT))
		return false;
	return !join_idle(BPF_CORE_READ(tp, packets_out),
			  BPF_CORE_READ(tp, write_seq) - BPF_CORE_READ(tp, snd_nxt),
			  BPF_CORE_READ(tp, lsndtime), BPF_CORE_READ(tp, inet_conn.icsk_rto));
}

static __always_inline enum resume_verdict ask_socket(struct bpf_sock *sk)
{
	if (!sk || !bpf_tcp_sock(sk)) /* an MPTCP socket is none */
		return RESUME_VERDICT_UNSUPPORTED;
	if (sk->state != BPF_TCP_ESTABLISHED && sk->state != BPF_TCP_CLOSE_WAIT)
		return RESUME_VERDICT_NOT_CONNECTED;
	return RESUME_VERDICT_RESUMED;
}

static __noinline enum resume_verdict ask_judge(struct bpf_sockopt *ctx)
{
	struct resume_ask *ask = ctx->optval;
	struct resume_ask_rule *rule;
	enum resume_verdict verdict;
	struct join join = {};
	const struct sock *sk;
	__u32 zero = 0;

	rule = bpf_map_lookup_elem(&resume_ask_rule, &zero);
	if ((void *)(ask + 1) > ctx->optval_end || !rule)
		return RESUME_VERDICT_MALFORMED;
	verdict = ask_form(ask) ?: ask_socket(ctx->sk);
	if (verdict || !ctx->sk)
		return verdict;
	sk = ask_sock(ctx->sk);
	join_peer(sk, &join);
	join.cookie = ask_cookie(sk);
	if (ask_used_up(ctx->sk, sk))
		return RESUME_VERDICT_ALREADY;
	if (draining())
		return RESUME_VERDICT_UNSUPPORTED;
	if (join.policy.mode == RESUME_MODE_OFF)
		return RESUME_VERDICT_OFF;
	if (ask_path_taken(&join))
		return RESUME_VERDICT_IN_USE;
	verdict = ask_find(ask, &join) ?: ask_allowed(ask, rule, &join) ?: join_admit(sk, &join);
	if (!verdict && ask->kind == RESUME_ASK_STATE)
		verdict = ask_store(&join);
	return verdict ?: join_enter(ctx->sk, sk, &join, RESUME_TRIGGER_ASKED);
}

#endif
