/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A saved path for a connection that lives already. The same questions as at
 * the gate, put to a socket that may have sent, lost and idled: its fields are
 * read by address, because only one of the two callers may touch them.
 */
#ifndef RESUME_JOIN_H
#define RESUME_JOIN_H

#include "cc.h"
#include "owner.h"
#include "policy.h"
#include "stats.h"

#define TCP_BPF_SOCK_OPS_CB_FLAGS 1008 /* Linux 6.12 */

struct join {
	struct resume_policy policy;
	struct resume_peer peer; /* by address */
	struct resume_peer key; /* of the entry; a token's, or the same */
	struct resume_path path; /* a copy */
	struct resume_path *entry;
	enum resume_mode mode;
	enum resume_cc cc;
	__u64 cookie;
	__u8 addr[16];
};

/*
 * Idle as a sender: nothing in flight, nothing written, and the last segment
 * left longer ago than a retransmission timeout, so not within a burst.
 */
static __always_inline bool join_idle(__u32 in_flight, __u32 unsent, __u32 sent_at, __u32 rto)
{
	return !in_flight && !unsent && (__u32)bpf_jiffies64() - sent_at > rto;
}

static __always_inline void join_peer(const struct sock *sk, struct join *join)
{
	struct in6_addr addr = BPF_CORE_READ(sk, __sk_common.skc_v6_daddr);

	__builtin_memcpy(join->addr, &addr, sizeof(join->addr));
	policy_for(join->addr, &join->policy);
	peer_key(&join->peer, join->addr, &join->policy,
		 BPF_CORE_READ(sk, __sk_common.skc_net.net, net_cookie));
	join->key = join->peer;
}

/* Fills join->path with what is stored under join->key. */
static __always_inline enum resume_verdict join_find(struct join *join)
{
	enum claim_view view = claim_read(&join->key, &join->path, &join->entry);

	if (view == CLAIM_NONE)
		return RESUME_VERDICT_NO_SAVED_PATH;
	if (view == CLAIM_UNSTABLE)
		return RESUME_VERDICT_PATH_UNSTABLE;
	if (view != CLAIM_FREE)
		return path_expired(&join->policy, &join->path) ? RESUME_VERDICT_LIFETIME_EXCEEDED
								: RESUME_VERDICT_IN_USE;
	if (!path_expired(&join->policy, &join->path))
		return RESUME_VERDICT_RESUMED;
	claim_swap(join->entry, join->path.claim, RESUME_SPENT); /* RFC 9959 3.2: deleted */
	return RESUME_VERDICT_LIFETIME_EXCEEDED;
}

/* RFC 9959 3.2 and 4.2.1, as far as they can be asked before the jump; there they are asked again.
 */
static __always_inline enum resume_verdict join_careful(const struct tcp_sock *tp,
							const struct join *join, __u32 mss)
{
	__u64 percent = (__u64)BPF_CORE_READ(tp, rtt_min.s[0].v) * 100;
	__u64 saved = join->path.min_rtt_us;

	if (!saved)
		return RESUME_VERDICT_NO_SAVED_RTT;
	if (percent <= saved * join->policy.rtt_low_percent ||
	    percent > saved * join->policy.rtt_high_percent)
		return RESUME_VERDICT_RTT_NOT_VALIDATED;
	if (saved < RESUME_BOUND_SHORT_RTT_US || addr_is_loopback(join->addr) ||
	    !phase_gains(path_jump(&join->policy, &join->path), INITIAL_SEGMENTS * mss))
		return RESUME_VERDICT_NO_GAIN;
	return RESUME_VERDICT_RESUMED;
}

/* Caps what was found and asks whether this socket, as it is now, can use it. */
static __always_inline enum resume_verdict join_admit(const struct sock *sk, struct join *join)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;
	const struct inet_connection_sock *icsk = &tp->inet_conn;
	__u32 mss = BPF_CORE_READ(tp, mss_cache);

	join->path.cwnd_bytes = capped(join->path.cwnd_bytes, join->policy.max_cwnd_bytes);
	join->path.ssthresh_bytes =
		capped(join->path.ssthresh_bytes, join->policy.max_ssthresh_bytes);
	if (BPF_CORE_READ_BITFIELD_PROBED(icsk, icsk_ca_state) > TCP_CA_DISORDER ||
	    BPF_CORE_READ(tp, lost_out))
		return RESUME_VERDICT_CONGESTED;
	if (!mss || join->path.cwnd_bytes < mss)
		return RESUME_VERDICT_NO_GAIN;
	if (join->mode != RESUME_MODE_EXACT)
		return join_careful(tp, join, mss);
	join->path.cwnd_bytes = path_exact(&join->path, mss);
	return RESUME_VERDICT_RESUMED;
}

/*
 * BBR forgets its bandwidth when its wrapper is put on, so it must gain at once
 * and be in STARTUP still (RFC 9959 appendix C). CUBIC and Reno keep what counts.
 */
static __always_inline bool join_worth_it(const struct sock *sk, const struct join *join)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;
	const struct bbr *bbr = (const struct bbr *)&tp->inet_conn.icsk_ca_priv;

	if (join->cc != RESUME_CC_BBR)
		return true;
	return !BPF_CORE_READ_BITFIELD_PROBED(bbr, full_bw_reached) &&
	       phase_gains(path_jump(&join->policy, &join->path),
			   BPF_CORE_READ(tp, snd_cwnd) * BPF_CORE_READ(tp, mss_cache));
}

/* True if the connection's end will be seen, without which nothing could be claimed for it. */
static __always_inline bool join_watched(void *ctx, const struct sock *sk)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;
	__u32 flags = BPF_CORE_READ(tp, bpf_sock_ops_cb_flags);

	if (flags & BPF_SOCK_OPS_STATE_CB_FLAG)
		return true;
	flags |= BPF_SOCK_OPS_STATE_CB_FLAG;
	return !bpf_setsockopt(ctx, SOL_TCP, TCP_BPF_SOCK_OPS_CB_FLAGS, &flags, sizeof(flags));
}

/* Mode exact takes the entry now, where it serves one connection only; careful at the jump. */
static __always_inline bool join_claim(const struct join *join, struct resume_conn *conn)
{
	__u8 sharing = join->path.sharing ?: join->policy.sharing;

	if (join->mode != RESUME_MODE_EXACT)
		return true;
	if (!join->entry)
		return false;
	if (sharing == RESUME_SHARING_SINGLE) {
		if (!claim_take(join->entry, conn->claim, join->cookie))
			return false;
		conn->claimed = 1;
	}
	__sync_fetch_and_add(&join->entry->uses, 1);
	return true;
}

/* What a connection may lose by joining anew: a set that it holds and that served. */
static __always_inline enum resume_verdict join_again(struct resume_conn *conn,
						      const struct join *join)
{
	if (conn->ph.now == RESUME_PHASE_RECONNAISSANCE && conn->claim == join->path.claim)
		return RESUME_VERDICT_ALREADY;
	if (conn->ph.now != RESUME_PHASE_NORMAL && conn->ph.now != RESUME_PHASE_FILLING &&
	    conn->ph.now != RESUME_PHASE_RECONNAISSANCE)
		return RESUME_VERDICT_ALREADY;
	conn->ph.now = RESUME_PHASE_NORMAL; /* nothing to tell when the wrapper goes */
	owner_return(conn);
	return RESUME_VERDICT_RESUMED;
}

static __always_inline void join_fill(const struct sock *sk, const struct join *join,
				      enum resume_trigger why, struct resume_conn *conn)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;
	struct in6_addr local = BPF_CORE_READ(sk, __sk_common.skc_v6_rcv_saddr);
	struct resume_event *event = &conn->event;
	struct phase *ph = &conn->ph;

	__builtin_memset(conn, 0, sizeof(*conn));
	conn->peer = join->key;
	conn->path = join->peer;
	conn->learn_ns = policy_learn_ns(&join->policy);
	conn->max_cwnd = join->policy.max_cwnd_bytes;
	owner_set(conn, &join->policy, &join->path);
	conn->joined = why;
	ph->now =
		join->mode == RESUME_MODE_EXACT ? RESUME_PHASE_EXACT : RESUME_PHASE_RECONNAISSANCE;
	/* What was sent so far is the initial data, once any of it has proved the path. */
	ph->initial_seen = BPF_CORE_READ(tp, bytes_acked) > 1; /* the SYN may be one */
	ph->initial_end = BPF_CORE_READ(tp, snd_nxt);

	event->cookie = join->cookie;
	__builtin_memcpy(event->peer_addr, join->addr, sizeof(event->peer_addr));
	__builtin_memcpy(event->local_addr, &local, sizeof(event->local_addr));
	event->peer_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	event->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	event->mode = join->mode;
	event->cc = join->cc;
}

/* The congestion control as an application would see it; false if it cannot be wrapped. */
static __always_inline bool join_control(void *ctx, struct join *join, bool *wrapped)
{
	struct cc_name name = {};

	if (bpf_getsockopt(ctx, SOL_TCP, TCP_CONGESTION, &name, sizeof(name)))
		return false;
	join->cc = cc_of(&name);
	*wrapped = join->cc == RESUME_CC_OTHER;
	if (*wrapped)
		join->cc = cc_of_wrapper(&name);
	return join->cc != RESUME_CC_OTHER;
}

/* ctx is the socket as bpf_setsockopt and the socket storage take it, sk the same by address. */
static __always_inline enum resume_verdict join_enter(void *ctx, const struct sock *sk,
						      struct join *join, enum resume_trigger why)
{
	enum resume_verdict again;
	struct resume_conn *conn;
	bool wrapped = false;

	if (!join_control(ctx, join, &wrapped) || !join_watched(ctx, sk))
		return RESUME_VERDICT_UNSUPPORTED;
	if (!join_worth_it(sk, join))
		return RESUME_VERDICT_NO_GAIN;
	conn = bpf_sk_storage_get(&resume_conns, ctx, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!conn)
		return RESUME_VERDICT_NO_MEMORY;
	again = join_again(conn, join);
	if (again)
		return again;
	if (wrapped)
		cc_unwrap(ctx, join->cc); /* a wrapper starts anew only if it is set anew */
	join_fill(sk, join, why, conn);
	if (!join_claim(join, conn)) {
		bpf_sk_storage_delete(&resume_conns, ctx);
		return RESUME_VERDICT_IN_USE;
	}
	if (cc_wrap(ctx, join->cc)) {
		owner_return(conn);
		bpf_sk_storage_delete(&resume_conns, ctx);
		return RESUME_VERDICT_UNSUPPORTED;
	}
	if (join->cc == RESUME_CC_BBR)
		stats_count(kept_bbr);
	return RESUME_VERDICT_RESUMED;
}

#endif
