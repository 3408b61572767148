// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * The kernel's Reno while a connection resumes; then the socket is Reno's again.
 * older.bpf.c has what older kernels need in place of one of these programs.
 */
#include "window.h"

char _license[] SEC("license") = "Dual BSD/GPL";

extern __u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;
extern __u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;

SEC("struct_ops")
void BPF_PROG(reno_init, struct sock *sk)
{
	resume_start(sk);
}

SEC("struct_ops")
void BPF_PROG(reno_release, struct sock *sk)
{
	leave_replaced(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(reno_ssthresh, struct sock *sk)
{
	return window_ssthresh(sk) ?: tcp_reno_ssthresh(sk);
}

SEC("struct_ops")
void BPF_PROG(reno_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	if (!window_is_ours(sk))
		tcp_reno_cong_avoid(sk, ack, acked);
	window_acked(sk, acked, RESUME_CC_RENO);
}

SEC("struct_ops")
void BPF_PROG(reno_state, struct sock *sk, __u8 new_state)
{
	window_state(sk, new_state);
}

SEC("struct_ops")
void BPF_PROG(reno_ack, struct sock *sk, __u32 flags)
{
	window_ack(sk, flags);
}

SEC("struct_ops")
void BPF_PROG(reno_tx_start, struct sock *sk)
{
	window_before_burst(sk);
}

SEC("struct_ops")
void BPF_PROG(reno_acked, struct sock *sk, const struct ack_sample *sample)
{
	window_sample(sk, sample);
}

SEC("struct_ops")
__u32 BPF_PROG(reno_tso, struct sock *sk)
{
	window_before_send(sk);
	return pace_min_tso_segs(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(reno_undo, struct sock *sk)
{
	if (window_undo_blocked(sk))
		return ((struct tcp_sock *)sk)->snd_cwnd;
	return tcp_reno_undo_cwnd(sk);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops resume_reno = {
	.init = (void *)reno_init,
	.release = (void *)reno_release,
	.ssthresh = (void *)reno_ssthresh,
	.cong_avoid = (void *)reno_avoid,
	.set_state = (void *)reno_state,
	.cwnd_event_tx_start = (void *)reno_tx_start,
	.in_ack_event = (void *)reno_ack,
	.pkts_acked = (void *)reno_acked,
	.min_tso_segs = (void *)reno_tso,
	.undo_cwnd = (void *)reno_undo,
	.name = CC_WRAPPED_RENO,
};
