// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * The kernel's CUBIC while a connection resumes; then the socket is CUBIC's again.
 * older.bpf.c has what older kernels need in place of one of these programs.
 */
#include "window.h"

char _license[] SEC("license") = "Dual BSD/GPL";

extern void cubictcp_init(struct sock *sk) __ksym;
extern __u32 cubictcp_recalc_ssthresh(struct sock *sk) __ksym;
extern void cubictcp_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;
extern void cubictcp_state(struct sock *sk, __u8 new_state) __ksym;
extern void cubictcp_cwnd_event_tx_start(struct sock *sk) __ksym;
extern void cubictcp_acked(struct sock *sk, const struct ack_sample *sample) __ksym;
extern __u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;

SEC("struct_ops")
void BPF_PROG(cubic_init, struct sock *sk)
{
	cubictcp_init(sk);
	resume_start(sk);
}

SEC("struct_ops")
void BPF_PROG(cubic_release, struct sock *sk)
{
	leave_replaced(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(cubic_ssthresh, struct sock *sk)
{
	return window_ssthresh(sk) ?: cubictcp_recalc_ssthresh(sk);
}

SEC("struct_ops")
void BPF_PROG(cubic_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	if (!window_is_ours(sk))
		cubictcp_cong_avoid(sk, ack, acked);
	window_acked(sk, acked, RESUME_CC_CUBIC);
}

SEC("struct_ops")
void BPF_PROG(cubic_state, struct sock *sk, __u8 new_state)
{
	cubictcp_state(sk, new_state);
	window_state(sk, new_state);
}

SEC("struct_ops")
void BPF_PROG(cubic_ack, struct sock *sk, __u32 flags)
{
	window_ack(sk, flags);
}

SEC("struct_ops")
void BPF_PROG(cubic_tx_start, struct sock *sk)
{
	cubictcp_cwnd_event_tx_start(sk);
	window_before_burst(sk);
}

SEC("struct_ops")
void BPF_PROG(cubic_acked, struct sock *sk, const struct ack_sample *sample)
{
	if (window_sample(sk, sample))
		cubictcp_acked(sk, sample);
}

SEC("struct_ops")
__u32 BPF_PROG(cubic_tso, struct sock *sk)
{
	window_before_send(sk);
	return pace_min_tso_segs(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(cubic_undo, struct sock *sk)
{
	if (window_undo_blocked(sk))
		return ((struct tcp_sock *)sk)->snd_cwnd;
	return tcp_reno_undo_cwnd(sk);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops resume_cubic = {
	.init = (void *)cubic_init,
	.release = (void *)cubic_release,
	.ssthresh = (void *)cubic_ssthresh,
	.cong_avoid = (void *)cubic_avoid,
	.set_state = (void *)cubic_state,
	.cwnd_event_tx_start = (void *)cubic_tx_start,
	.in_ack_event = (void *)cubic_ack,
	.pkts_acked = (void *)cubic_acked,
	.min_tso_segs = (void *)cubic_tso,
	.undo_cwnd = (void *)cubic_undo,
	.name = CC_WRAPPED_CUBIC,
};
