// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * The program that decides: at ESTABLISHED it gives a peer's saved congestion
 * state to the connection; at CLOSE it settles the claim.
 */
#include "gate.h"

char _license[] SEC("license") = "Dual BSD/GPL";

static __always_inline void established(struct bpf_sock_ops *ctx)
{
	struct gate gate = {};
	struct bpf_sock *sk = ctx->sk;
	struct resume_conn *conn;
	__u32 mss = ctx_u32(ctx->mss_cache);

	stats_count(established);
	if (!sk || !ctx_u32(ctx->is_fullsock)) {
		stats_count(not_a_tcp_socket);
		return;
	}
	gate_addresses(ctx, &gate.conn.event);
	policy_for(gate.conn.event.peer_addr, &gate.policy);
	if (gate.policy.mode == RESUME_MODE_OFF) {
		stats_count(policy_off);
		return;
	}
	peer_key(&gate.conn.peer, gate.conn.event.peer_addr, &gate.policy,
		 bpf_get_netns_cookie(ctx));
	if (!gate_find(&gate) || !gate_mode(&gate, mss))
		return;

	gate.conn.event.cc = gate_cc(ctx);
	if (gate.conn.event.cc == RESUME_CC_OTHER) {
		stats_count(congestion_control_unsupported);
		return;
	}
	gate.conn.event.cookie = bpf_get_socket_cookie(ctx);
	gate.conn.event.phase = RESUME_PHASE_EXACT;
	if (!gate_claim(&gate))
		return;
	conn = bpf_sk_storage_get(&resume_conns, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!conn) {
		gate_unclaim(&gate);
		stats_count(no_memory);
		return;
	}
	*conn = gate.conn; /* over what an earlier connection of the same socket left */
	if (cc_wrap(ctx, conn->event.cc) && !gate_cwnd_only(ctx, conn, mss)) {
		bpf_sk_storage_delete(&resume_conns, sk);
		gate_unclaim(&gate);
		stats_count(switch_failed);
		return;
	}
	gate_resumed(ctx, sk, &gate, conn);
}

static __always_inline void closed(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct resume_conn *conn;
	struct resume_path *path;
	struct tcp_sock *tp;

	if (!sk)
		return;
	conn = bpf_sk_storage_get(&resume_conns, sk, 0, 0);
	if (!conn)
		return;
	if (conn->event.phase == RESUME_PHASE_EXACT)
		stats_count(closed_before_window_sent);
	path = conn->claim ? bpf_map_lookup_elem(&resume_paths, &conn->peer) : NULL;
	if (path)
		claim_swap(path, conn->event.cookie, RESUME_SPENT);
	tp = bpf_skc_to_tcp_sock(sk);
	conn->event.old_phase = conn->event.phase;
	conn->event.phase = RESUME_PHASE_NORMAL;
	if (tp)
		event_emit(conn, tp, RESUME_EVENT_CLOSED, RESUME_TRIGGER_CLOSED);
}

SEC("sockops")
int tcp_resume(struct bpf_sock_ops *ctx)
{
	switch (ctx_u32(ctx->op)) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		established(ctx);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ctx_u32(ctx->args[1]) == BPF_TCP_CLOSE)
			closed(ctx);
		break;
	}
	return 1; /* 0 would drop the reply of every other sockops program of the socket */
}
