// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * The program that decides: at ESTABLISHED it gives a peer's saved congestion
 * state to the connection; once a round trip it observes what the path carries;
 * at CLOSE it settles the claim and saves what was learnt. Beside it those that
 * watch what becomes of resumed connections.
 */
#include "learn.h"
#include "watch.h"

char _license[] SEC("license") = "Dual BSD/GPL";

static __always_inline void established(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct gate gate = {};
	struct resume_conn *conn;
	__u8 addr[16];

	stats_count(established);
	if (!sk || !ctx_u32(ctx->is_fullsock)) {
		maps_named();
		stats_count(not_a_tcp_socket);
		return;
	}
	if (ctx_u32(ctx->op) == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		watch_anew(ctx, sk);
	addr_copy(addr, ctx->remote_ip6);
	policy_for(addr, &gate.policy);
	if (gate.policy.mode == RESUME_MODE_OFF) {
		stats_count(policy_off);
		return;
	}
	if (gate.policy.learn)
		gate_callbacks(ctx, BPF_SOCK_OPS_RTT_CB_FLAG | BPF_SOCK_OPS_STATE_CB_FLAG);
	else if (gate.policy.live != RESUME_LIVE_NEVER)
		gate_callbacks(ctx, BPF_SOCK_OPS_STATE_CB_FLAG); /* see join_watched */
	peer_key(&gate.peer, addr, &gate.policy, bpf_get_netns_cookie(ctx));
	if (!gate_find(&gate) || !gate_mode(ctx, &gate) || !gate_control(ctx, &gate))
		return;
	conn = bpf_sk_storage_get(&resume_conns, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!conn) {
		stats_count(no_memory);
		return;
	}
	gate_fill(ctx, &gate, conn);
	if (!gate_claim(&gate, conn)) {
		bpf_sk_storage_delete(&resume_conns, sk);
		stats_count(already_in_use);
		return;
	}
	if (cc_wrap(ctx, gate.cc) && !gate_cwnd_only(ctx, conn, gate.mss)) {
		if (conn->claimed)
			owner_return(conn);
		bpf_sk_storage_delete(&resume_conns, sk);
		stats_count(switch_failed);
		return;
	}
	gate_resumed(ctx, sk, &gate, conn);
}

/* The claim is settled; a set that served well is there for the next connection. */
static __always_inline void settle(struct bpf_sock *sk)
{
	struct resume_conn *conn = bpf_sk_storage_get(&resume_conns, sk, 0, 0);
	enum resume_phase phase;
	struct tcp_sock *tp;

	if (!conn)
		return;
	phase = conn->ph.now;
	if (phase == RESUME_PHASE_EXACT || phase == RESUME_PHASE_UNVALIDATED ||
	    phase == RESUME_PHASE_VALIDATING)
		stats_count(closed_while_resuming);
	if (conn->claimed && conn->event.mode == RESUME_MODE_EXACT) {
		owner_spend(conn);
	} else {
		owner_jump_over(conn);
		if (conn->claimed)
			owner_return(conn);
	}
	conn->event.old_phase = phase;
	conn->ph.now = RESUME_PHASE_NORMAL;
	tp = bpf_skc_to_tcp_sock(sk);
	if (tp)
		event_emit(conn, tp, RESUME_EVENT_CLOSED, RESUME_TRIGGER_CLOSED);
}

SEC("sockops")
int tcp_resume(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk;

	switch (ctx_u32(ctx->op)) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		established(ctx);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		sk = ctx->sk;
		if (ctx_u32(ctx->args[1]) != BPF_TCP_CLOSE || !sk)
			break;
		settle(sk);
		learn_save(ctx, sk);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		sk = ctx->sk;
		if (sk)
			learn_round(ctx, sk);
		break;
	}
	return 1; /* 0 would drop the reply of every other sockops program of the socket */
}

SEC("tracepoint/tcp/tcp_retransmit_skb")
int resume_watch(struct trace_of_skb *ctx)
{
	maps_named();
	if (watched(ctx->sk))
		stats_add(segments_retransmitted, segments_of(ctx->skb));
	return 0;
}

SEC("tracepoint/tcp/tcp_send_reset")
int resume_rst_out(struct trace_of_skb *ctx)
{
	if (watched(ctx->sk))
		stats_count(reset_sent);
	return 0;
}

SEC("tracepoint/tcp/tcp_receive_reset")
int resume_rst_in(struct trace_of_sock *ctx)
{
	if (watched(ctx->sk))
		stats_count(reset_received);
	return 0;
}
