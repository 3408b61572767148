// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * The program that decides: at ESTABLISHED it gives a peer's saved congestion
 * state to the connection; once a round trip it observes what the path carries;
 * at CLOSE it settles the claim and saves what was learnt. Beside it those that
 * watch what becomes of resumed connections.
 */
#include "learn.h"
#include "turn.h"
#include "watch.h"

char _license[] SEC("license") = "Dual BSD/GPL";

/* What an earlier connection of the same socket left, as nobody told of its end, is not this one's.
 */
static __always_inline void forget(struct bpf_sock *sk)
{
	struct resume_conn *conn = bpf_sk_storage_get(&resume_conns, sk, 0, 0);

	if (conn) {
		owner_settle(conn);
		bpf_sk_storage_delete(&resume_conns, sk);
	}
	bpf_sk_storage_delete(&resume_seen, sk);
}

/*
 * Fast Open begins before the handshake is complete, and without a cookie the
 * SYN may be anybody's. Such a connection comes back when the peer has answered;
 * until then it is not even counted. Its mark is an empty observation, which
 * nothing else leaves so early.
 */
static __always_inline bool handshake_awaited(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct resume_observation mark = {};
	struct tcp_sock *tp;

	if (ctx_u32(ctx->op) != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		return false;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp || !tp->fastopen_rsk)
		return false;
	if (!bpf_sk_storage_get(&resume_seen, sk, &mark, BPF_SK_STORAGE_GET_F_CREATE))
		return false; /* no memory, which the gate will count */
	gate_callbacks(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
	return true;
}

/* A frame of its own: the verifier allows 512 bytes of stack in all. */
static __noinline void established(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;
	struct gate gate = {};
	struct resume_conn *conn;

	if (sk && ctx_u32(ctx->is_fullsock) && handshake_awaited(ctx, sk))
		return;
	stats_count(established);
	if (!sk || !ctx_u32(ctx->is_fullsock)) {
		maps_named();
		stats_count(not_a_tcp_socket);
		return;
	}
	forget(sk);
	if (ctx_u32(ctx->op) == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB)
		watch_anew(sk);
	addr_copy(gate.addr, ctx->remote_ip6);
	policy_for(gate.addr, &gate.policy);
	if (gate.policy.mode == RESUME_MODE_OFF) {
		stats_count(policy_off);
		return;
	}
	if (gate.policy.learn && !addr_is_loopback(gate.addr))
		gate_callbacks(ctx, BPF_SOCK_OPS_RTT_CB_FLAG | BPF_SOCK_OPS_STATE_CB_FLAG);
	else if (gate.policy.live != RESUME_LIVE_NEVER)
		gate_callbacks(ctx, BPF_SOCK_OPS_STATE_CB_FLAG); /* see join_watched */
	peer_key(&gate.peer, gate.addr, &gate.policy, bpf_get_netns_cookie(ctx));
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
		owner_return(conn);
		bpf_sk_storage_delete(&resume_conns, sk);
		stats_count(switch_failed);
		return;
	}
	gate_resumed(ctx, sk, &gate, conn);
}

/* The claim is settled, and a set that served well is there for the next connection, before what
 * was learnt takes its place. Nothing of the connection stays with the socket. */
static __always_inline void closed(struct bpf_sock_ops *ctx, struct bpf_sock *sk)
{
	struct resume_conn *conn = bpf_sk_storage_get(&resume_conns, sk, 0, 0);

	if (conn)
		turn_closed(conn, bpf_skc_to_tcp_sock(sk));
	learn_save(ctx, sk);
	bpf_sk_storage_delete(&resume_seen, sk);
	/* What the wrapper did to the socket's pacing only its release, which is next, may undo. */
	if (conn && !conn->paced_by_us)
		bpf_sk_storage_delete(&resume_conns, sk);
}

SEC("sockops")
int tcp_resume(struct bpf_sock_ops *ctx)
{
	struct bpf_sock *sk = ctx->sk;

	switch (ctx_u32(ctx->op)) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		established(ctx);
		break;
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
	case BPF_SOCK_OPS_TCP_LISTEN_CB:
		if (sk)
			forget(sk);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (!sk)
			break;
		if (ctx_u32(ctx->args[0]) == BPF_TCP_SYN_RECV &&
		    ctx_u32(ctx->args[1]) == BPF_TCP_ESTABLISHED &&
		    bpf_sk_storage_get(&resume_seen, sk, 0, 0))
			established(ctx);
		if (ctx_u32(ctx->args[1]) == BPF_TCP_CLOSE)
			closed(ctx, sk);
		break;
	case BPF_SOCK_OPS_RTT_CB:
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
