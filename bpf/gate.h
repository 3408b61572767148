/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The gate: what happens to a connection at ESTABLISHED. Each way out is
 * counted by name, and an entry is claimed last, so that no claim is lost to a
 * connection that could not have used it.
 */
#ifndef RESUME_GATE_H
#define RESUME_GATE_H

#include "cc.h"
#include "claim.h"
#include "compat.h"
#include "event.h"
#include "policy.h"

#define TCP_BPF_IW 1001

struct gate {
	struct resume_policy policy;
	struct resume_path path; /* a copy */
	struct resume_path *entry; /* NULL: from the drop-in maps */
	struct resume_conn conn; /* as it will be stored with the socket */
};

static __always_inline void gate_addresses(struct bpf_sock_ops *ctx, struct resume_event *event)
{
	addr_copy(event->peer_addr, ctx->remote_ip6);
	addr_copy(event->local_addr, ctx->local_ip6);
	event->peer_port = bpf_ntohl(ctx_u32(ctx->remote_port));
	event->local_port = ctx_u32(ctx->local_port);
}

/* Fills gate->path with what may be used for this peer; false after counting why not. */
static __always_inline bool gate_find(struct gate *gate)
{
	__u64 now = bpf_ktime_get_boot_ns(), lifetime_ns;
	enum claim_view view = claim_read(&gate->conn.peer, &gate->path, &gate->entry);

	if (view == CLAIM_UNSTABLE) {
		stats_count(path_unstable);
		return false;
	}
	if (view == CLAIM_TAKEN) {
		stats_count(already_in_use);
		return false;
	}
	if (view == CLAIM_FREE) {
		lifetime_ns = gate->policy.lifetime_s * 1000000000ULL;
		if (now < gate->path.expires_ns && now < gate->path.stored_ns + lifetime_ns)
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
	else if (view == CLAIM_SPENT)
		stats_count(already_in_use);
	else
		stats_count(no_saved_path);
	return false;
}

static __always_inline bool gate_mode(struct gate *gate, __u32 mss)
{
	struct resume_event *saved = &gate->conn.event;

	saved->mode = gate->path.mode ?: gate->policy.mode;
	if (saved->mode == RESUME_MODE_OFF) {
		stats_count(path_off);
		return false;
	}
	if (saved->mode != RESUME_MODE_EXACT) {
		stats_count(mode_unavailable);
		return false;
	}
	saved->source = gate->path.source;
	saved->saved_rtt_us = gate->path.min_rtt_us;
	saved->cwnd_bytes = capped(gate->path.cwnd_bytes, gate->policy.max_cwnd_bytes);
	saved->ssthresh_bytes = capped(gate->path.ssthresh_bytes, gate->policy.max_ssthresh_bytes);
	if (!mss || saved->cwnd_bytes < mss) {
		stats_count(window_too_small);
		return false;
	}
	return true;
}

/* A socket that connects a second time may still have a wrapper, which starts anew only if it is set anew. */
static __always_inline enum resume_cc gate_cc(struct bpf_sock_ops *ctx)
{
	struct cc_name name = {};
	enum resume_cc cc;

	bpf_getsockopt(ctx, SOL_TCP, TCP_CONGESTION, &name, sizeof(name));
	cc = cc_of(&name);
	if (cc != RESUME_CC_OTHER)
		return cc;
	cc = cc_of_wrapper(&name);
	if (cc != RESUME_CC_OTHER)
		cc_unwrap(ctx, cc);
	return cc;
}

/* Takes the entry for this socket where it serves one connection only. */
static __always_inline bool gate_claim(struct gate *gate)
{
	__u8 sharing = gate->path.sharing ?: gate->policy.sharing;

	if (!gate->entry)
		return true;
	if (sharing == RESUME_SHARING_SINGLE) {
		if (!claim_swap(gate->entry, gate->path.claim, gate->conn.event.cookie)) {
			stats_count(already_in_use);
			return false;
		}
		gate->conn.claim = gate->path.claim;
	}
	return true;
}

static __always_inline void gate_unclaim(struct gate *gate)
{
	if (gate->entry && gate->conn.claim)
		claim_swap(gate->entry, gate->conn.event.cookie, gate->conn.claim);
}

/* Without a wrapper (no struct_ops, or not registered) the initial window is all that can be set.
 */
static __always_inline bool gate_cwnd_only(struct bpf_sock_ops *ctx, struct resume_conn *conn,
					   __u32 mss)
{
	__u32 cwnd = conn->event.cwnd_bytes / mss;

	if (bpf_setsockopt(ctx, SOL_TCP, TCP_BPF_IW, &cwnd, sizeof(cwnd)))
		return false;
	conn->event.cwnd_only = 1;
	conn->event.phase = RESUME_PHASE_NORMAL;
	return true;
}

static __always_inline void gate_resumed(struct bpf_sock_ops *ctx, struct bpf_sock *sk,
					 struct gate *gate, struct resume_conn *conn)
{
	struct tcp_sock *tp = bpf_skc_to_tcp_sock(sk);

	if (gate->entry)
		__sync_fetch_and_add(&gate->entry->uses, 1);
	if (conn->event.cwnd_only)
		stats_count(cwnd_only);
	else
		stats_count(resumed);
	if (conn->event.source == RESUME_SOURCE_DROPIN)
		stats_count(resumed_by_dropin);
	if (conn->event.cc == RESUME_CC_BBR && !conn->event.cwnd_only)
		stats_count(kept_bbr);
	/* The flags are one word for all programs of the socket. */
	bpf_sock_ops_cb_flags_set(ctx,
				  ctx_u32(ctx->bpf_sock_ops_cb_flags) | BPF_SOCK_OPS_STATE_CB_FLAG);
	if (tp)
		event_emit(conn, tp, RESUME_EVENT_RESUMED, RESUME_TRIGGER_ESTABLISHED);
}

#endif
