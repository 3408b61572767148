/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The gate: what happens to a connection at ESTABLISHED. Each way out is
 * counted by name, and an entry is claimed last, so that no claim is lost to a
 * connection that could not have used it.
 */
#ifndef RESUME_GATE_H
#define RESUME_GATE_H

#include "cc.h"
#include "compat.h"
#include "event.h"
#include "owner.h"
#include "policy.h"

#define TCP_BPF_IW 1001

struct gate {
	struct resume_policy policy;
	struct resume_peer peer;
	struct resume_path path; /* a copy */
	struct resume_path *entry; /* NULL: from the drop-in maps */
	__u32 mss;
	enum resume_mode mode;
	enum resume_cc cc;
	__u8 addr[16];
};

/* Fills gate->path with what may be used for this peer; false after counting why not. */
static __always_inline bool gate_find(struct gate *gate)
{
	enum claim_view view = claim_read(&gate->peer, &gate->path, &gate->entry);

	if (view == CLAIM_UNSTABLE) {
		stats_count(path_unstable);
		return false;
	}
	if (view == CLAIM_TAKEN && !path_expired(&gate->policy, &gate->path)) {
		stats_count(already_in_use);
		return false;
	}
	if (view == CLAIM_FREE) {
		if (!path_expired(&gate->policy, &gate->path))
			return true;
		/* RFC 9959 3.2: deleted. By key it could delete a report that has just replaced it.
		 */
		claim_swap(gate->entry, gate->path.claim, RESUME_SPENT);
	}
	gate->entry = NULL;
	if (dropin_read(&gate->policy, &gate->path))
		return true;
	if (view == CLAIM_FREE)
		stats_count(lifetime_exceeded);
	else if (view == CLAIM_SPENT || view == CLAIM_TAKEN)
		stats_count(already_in_use);
	else
		stats_count(no_saved_path);
	return false;
}

/* What mode careful asks of an entry and of the handshake, RFC 9959 3.2. */
static __always_inline bool gate_careful(struct bpf_sock_ops *ctx, const struct gate *gate)
{
	if (!gate->path.min_rtt_us) {
		stats_count(no_saved_rtt);
		return false;
	}
	if (gate->path.min_rtt_us < RESUME_BOUND_SHORT_RTT_US || addr_is_loopback(gate->addr)) {
		stats_count(short_path);
		return false;
	}
	/* The window only grows from here. */
	if (!phase_gains(path_jump(&gate->policy, &gate->path),
			 ctx_u32(ctx->snd_cwnd) * gate->mss)) {
		stats_count(window_too_small);
		return false;
	}
	if (ctx_u32(ctx->total_retrans)) {
		stats_count(handshake_loss);
		return false;
	}
	return true;
}

static __always_inline bool gate_mode(struct bpf_sock_ops *ctx, struct gate *gate)
{
	gate->mode = gate->path.mode ?: gate->policy.mode;
	if (gate->mode == RESUME_MODE_OFF) {
		stats_count(path_off);
		return false;
	}
	gate->path.cwnd_bytes = capped(gate->path.cwnd_bytes, gate->policy.max_cwnd_bytes);
	gate->path.ssthresh_bytes =
		capped(gate->path.ssthresh_bytes, gate->policy.max_ssthresh_bytes);
	gate->mss = ctx_u32(ctx->mss_cache);
	if (!gate->mss || gate->path.cwnd_bytes < gate->mss) {
		stats_count(window_too_small);
		return false;
	}
	if (gate->mode != RESUME_MODE_EXACT)
		return gate_careful(ctx, gate);
	/* Fast Open may have sent, and lost, before the handshake was complete. */
	if (ctx_u32(ctx->lost_out) || ctx_u32(ctx->retrans_out)) {
		stats_count(handshake_loss);
		return false;
	}
	gate->path.cwnd_bytes = path_exact(&gate->path, gate->mss);
	return true;
}

/* A socket that connects a second time may still have a wrapper, which starts anew only if it is
 * set anew. */
static __always_inline bool gate_control(struct bpf_sock_ops *ctx, struct gate *gate)
{
	struct cc_name name = {};

	bpf_getsockopt(ctx, SOL_TCP, TCP_CONGESTION, &name, sizeof(name));
	gate->cc = cc_of(&name);
	if (gate->cc != RESUME_CC_OTHER)
		return true;
	gate->cc = cc_of_wrapper(&name);
	if (gate->cc == RESUME_CC_OTHER) {
		stats_count(congestion_control_unsupported);
		return false;
	}
	cc_unwrap(ctx, gate->cc);
	return true;
}

static __always_inline void gate_fill(struct bpf_sock_ops *ctx, const struct gate *gate,
				      struct resume_conn *conn)
{
	struct resume_event *event = &conn->event;

	conn->peer = gate->peer;
	conn->path = gate->peer;
	conn->learn_ns = policy_learn_ns(&gate->policy);
	owner_set(conn, &gate->policy, &gate->path);
	conn->ph.now =
		gate->mode == RESUME_MODE_EXACT ? RESUME_PHASE_EXACT : RESUME_PHASE_RECONNAISSANCE;

	event->cookie = bpf_get_socket_cookie(ctx);
	addr_copy(event->peer_addr, ctx->remote_ip6);
	addr_copy(event->local_addr, ctx->local_ip6);
	event->peer_port = bpf_ntohl(ctx_u32(ctx->remote_port));
	event->local_port = ctx_u32(ctx->local_port);
	event->mode = gate->mode;
	event->cc = gate->cc;
}

/* Mode exact takes the entry now, where it serves one connection only; careful at the jump. */
static __always_inline bool gate_claim(const struct gate *gate, struct resume_conn *conn)
{
	__u8 sharing = gate->path.sharing ?: gate->policy.sharing;

	if (!gate->entry || gate->mode != RESUME_MODE_EXACT)
		return true;
	if (sharing == RESUME_SHARING_SINGLE) {
		if (!claim_take(gate->entry, conn->claim, conn->event.cookie))
			return false;
		conn->claimed = 1;
	}
	return true;
}

/* Without a wrapper (no struct_ops, or not registered) the initial window is all that can be set.
 */
static __always_inline bool gate_cwnd_only(struct bpf_sock_ops *ctx, struct resume_conn *conn,
					   __u32 mss)
{
	__u32 cwnd = conn->event.cwnd_bytes / mss;

	/* RFC 9959 4.2: careful leaves the initial window alone. */
	if (conn->event.mode != RESUME_MODE_EXACT)
		return false;
	if (bpf_setsockopt(ctx, SOL_TCP, TCP_BPF_IW, &cwnd, sizeof(cwnd)))
		return false;
	conn->event.cwnd_only = 1;
	conn->ph.now = RESUME_PHASE_NORMAL;
	owner_spend(conn); /* no wrapper will tell when it has served */
	return true;
}

/* The flags are one word for all programs of the socket: added to, never set. */
static __always_inline void gate_callbacks(struct bpf_sock_ops *ctx, __u32 flags)
{
	bpf_sock_ops_cb_flags_set(ctx, ctx_u32(ctx->bpf_sock_ops_cb_flags) | flags);
}

static __always_inline void gate_resumed(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
					 const struct gate *gate, struct resume_conn *conn)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);
	__u64 now = bpf_ktime_get_boot_ns();

	bpf_map_update_elem(&resume_alive, &conn->event.cookie, &now, BPF_ANY);
	if (gate->entry && gate->mode == RESUME_MODE_EXACT)
		__sync_fetch_and_add(&gate->entry->uses, 1);
	if (conn->event.cwnd_only)
		stats_count(cwnd_only);
	else
		stats_count(resumed);
	if (conn->event.source == RESUME_SOURCE_DROPIN)
		stats_count(resumed_by_dropin);
	if (conn->event.cc == RESUME_CC_BBR && !conn->event.cwnd_only)
		stats_count(kept_bbr);
	gate_callbacks(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
	if (tp)
		event_emit(conn, tp, RESUME_EVENT_RESUMED, RESUME_TRIGGER_APPLIED);
}

#endif
