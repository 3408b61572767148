/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Observing (RFC 9959 3.1, 4.1; RFC 9040): what a connection delivered in one
 * round trip is saved when it closes. Deliveries cannot overshoot as a window
 * can, and the best round counts, so neither an idle moment nor the FIN's own
 * sample spoils it.
 */
#ifndef RESUME_LEARN_H
#define RESUME_LEARN_H

#include "cwnd.h"
#include "gate.h"
#include "observe.h"

#define LEARN_LEAST_WINDOWS 4 /* RFC 9959 3.1: below 4 x IW it is not worth saving */
#define LEARN_LEAST_SEGMENTS (LEARN_LEAST_WINDOWS * 10)

/* RFC 9959 4.6: a connection that resumes itself is not an observation. */
static __always_inline bool learn_allowed(struct bpf_sock *sk)
{
	struct resume_conn *conn = bpf_sk_storage_get(&resume_conns, sk, 0, 0);

	return !conn || conn->ph.now == RESUME_PHASE_NORMAL ||
	       conn->ph.now == RESUME_PHASE_FILLING || conn->ph.now == RESUME_PHASE_RECONNAISSANCE;
}

static __always_inline __u64 learn_lifetime_ns(struct bpf_sock_ops *ctx)
{
	struct resume_policy policy;
	__u8 addr[16];

	addr_copy(addr, ctx->remote_ip6);
	policy_for(addr, &policy);
	return policy.lifetime_s * SECOND_NS;
}

/* The stack calls once a round trip. Short connections never get a storage. */
static __always_inline void learn_round(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct resume_observation fresh = {}, *seen;
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	__u64 now = bpf_ktime_get_boot_ns(), delivered, window;
	__u32 round_us, rtt_us;

	if (!tp || tp->bytes_acked < LEARN_LEAST_SEGMENTS / 2 * tp->mss_cache)
		return;
	delivered = bytes_delivered(tp);
	seen = bpf_sk_storage_get(&resume_seen, sk, 0, 0);
	if (!seen) {
		observe_begin(&fresh, delivered, learn_lifetime_ns(ctx), now);
		bpf_sk_storage_get(&resume_seen, sk, &fresh, BPF_SK_STORAGE_GET_F_CREATE);
		return;
	}
	/* Selective acknowledgements may be taken back. */
	window = delivered > seen->delivered ? delivered - seen->delivered : 0;
	round_us = (now - seen->at_ns) / 1000;
	rtt_us = tp->rtt_min.s[0].v;
	/* What a standing queue added to the round is not the path's. */
	if (round_us > rtt_us)
		window = window * rtt_us / round_us;
	seen->at_ns = now;
	seen->delivered = delivered;
	/* BBR is held by its pacing where others are by their window: both filled the path. */
	if (!BPF_CORE_READ_BITFIELD(tp, is_cwnd_limited) && tp->app_limited)
		return;
	if (learn_allowed(sk))
		observe_best(seen, window > ~0U ? ~0U : window, rtt_us, now);
}

static __always_inline bool learn_same_path(const struct resume_path *saved,
					    const struct resume_best *best)
{
	return best->rtt_us / 2 <= saved->min_rtt_us && saved->min_rtt_us / 2 <= best->rtt_us;
}

/* What an operator shares, or has applied exactly, is no observation and not refuted by one. */
static __always_inline bool learn_operators(const struct resume_policy *policy,
					    const struct resume_path *path)
{
	return path->source == RESUME_SOURCE_OPERATOR &&
	       ((path->sharing ?: policy->sharing) == RESUME_SHARING_SHARED ||
		(path->mode ?: policy->mode) == RESUME_MODE_EXACT);
}

/*
 * True where a free entry is newer than what was seen, or says more of the same
 * path than a connection has seen that lost nothing there: it may have had less
 * to send, or have left slow start early.
 */
static __always_inline bool learn_older(const struct resume_path *saved, const struct tcp_sock *tp,
					const struct resume_best *best)
{
	return saved->stored_ns > best->at_ns ||
	       (best->window < saved->cwnd_bytes && learn_same_path(saved, best) &&
		!tp->total_retrans);
}

/* True, and counted, where what is saved stands against what was seen. What was counted of the
 * path's uses is kept for what takes its place. */
static __always_inline bool learn_outdone(const struct resume_peer *peer,
					  const struct resume_policy *policy,
					  const struct tcp_sock *tp, const struct resume_best *best,
					  struct resume_path *path)
{
	struct resume_path copy, *entry;
	enum claim_view view = claim_read(peer, &copy, &entry);
	bool there = view != CLAIM_NONE && view != CLAIM_UNSTABLE;
	bool valid = there && !path_expired(policy, &copy);

	if (there) {
		path->uses = copy.uses;
		path->retreats = copy.retreats;
		path->outcome = copy.outcome;
	}
	if (valid && learn_operators(policy, &copy)) {
		stats_count(learnt_operator_stands);
		return true;
	}
	if (view == CLAIM_UNSTABLE || (valid && view == CLAIM_TAKEN) ||
	    (valid && view == CLAIM_FREE && learn_older(&copy, tp, best))) {
		stats_count(learnt_older);
		return true;
	}
	return false;
}

/* Who shares what was learnt with other machines looks for it here. */
static __always_inline void learn_told(struct bpf_sock_ops *ctx, const struct tcp_sock *tp,
				       const struct resume_path *path)
{
	struct resume_event *event = bpf_ringbuf_reserve(&resume_events, sizeof(*event), 0);
	struct cc_name name = {};

	if (!event) {
		stats_count(events_lost);
		return;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->at_ns = bpf_ktime_get_boot_ns();
	event->cookie = bpf_get_socket_cookie(ctx);
	addr_copy(event->peer_addr, ctx->remote_ip6);
	addr_copy(event->local_addr, ctx->local_ip6);
	event->peer_port = bpf_ntohl(ctx_u32(ctx->remote_port));
	event->local_port = ctx_u32(ctx->local_port);
	event->cwnd_bytes = path->cwnd_bytes;
	event->saved_rtt_us = event->min_rtt_us = path->min_rtt_us;
	event->bytes_acked = tp->bytes_acked;
	event->bytes_sent = tp->bytes_sent;
	event->snd_cwnd = tp->snd_cwnd;
	event->snd_ssthresh = tp->snd_ssthresh;
	event->mss = tp->mss_cache;
	event->srtt_us = tp->srtt_us >> 3;
	event->retransmits = tp->total_retrans;
	event->lost = tp->lost;
	event->kind = RESUME_EVENT_LEARNT;
	event->mode = path->mode;
	event->source = path->source;
	bpf_getsockopt(ctx, SOL_TCP, TCP_CONGESTION, &name, sizeof(name));
	event->cc = cc_of(&name) ?: cc_of_wrapper(&name);
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

/* A frame of its own: the verifier allows 512 bytes of stack in all. */
static __noinline void learn_save(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct resume_observation *seen = bpf_sk_storage_get(&resume_seen, sk, 0, 0);
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	struct resume_policy policy;
	struct resume_path path = {};
	struct resume_peer peer = {};
	struct resume_best best;
	__u8 addr[16];

	if (!seen || !tp)
		return;
	addr_copy(addr, ctx->remote_ip6);
	policy_for(addr, &policy);
	if (!policy.learn || policy.mode == RESUME_MODE_OFF)
		return;
	best = observed(seen, policy.lifetime_s * SECOND_NS, bpf_ktime_get_boot_ns());
	if (!best.window) {
		if (seen->recent.window || seen->older.window)
			stats_count(learnt_expired);
		return;
	}
	if (best.rtt_us < RESUME_BOUND_SHORT_RTT_US || addr_is_loopback(addr)) {
		stats_count(learnt_short_path);
		return;
	}
	if (best.window < LEARN_LEAST_SEGMENTS * tp->mss_cache) {
		stats_count(learnt_too_small);
		return;
	}
	peer_key(&peer, addr, &policy, bpf_get_netns_cookie(ctx));
	if (learn_outdone(&peer, &policy, tp, &best, &path))
		return;
	path.stored_ns = best.at_ns;
	path.expires_ns = path.stored_ns + policy.lifetime_s * SECOND_NS;
	path.cwnd_bytes = best.window;
	path.min_rtt_us = best.rtt_us;
	path.mode = RESUME_MODE_CAREFUL;
	path.source = RESUME_SOURCE_LEARNT;
	path.claim = path_seal(&peer, &path);
	if (bpf_map_update_elem(&resume_paths, &peer, &path, BPF_ANY))
		return;
	stats_count(learnt);
	learn_told(ctx, tp, &path);
}

#endif
