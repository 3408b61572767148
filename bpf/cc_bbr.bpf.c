// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * The kernel's BBR with a warm start. The socket keeps this wrapper for life:
 * handed back by name, BBR would forget its bandwidth and start anew.
 * older.bpf.c has what older kernels need in place of some of these programs.
 */
#include "warm.h"

char _license[] SEC("license") = "Dual BSD/GPL";

extern void bbr_init(struct sock *sk) __ksym;
extern void bbr_main(struct sock *sk, __u32 ack, int flag, const struct rate_sample *rs) __ksym;
extern __u32 bbr_sndbuf_expand(struct sock *sk) __ksym;
extern __u32 bbr_undo_cwnd(struct sock *sk) __ksym;
extern void bbr_cwnd_event_tx_start(struct sock *sk) __ksym;
extern __u32 bbr_ssthresh(struct sock *sk) __ksym;
extern __u32 bbr_min_tso_segs(struct sock *sk) __ksym;
extern void bbr_set_state(struct sock *sk, __u8 new_state) __ksym;

SEC("struct_ops")
void BPF_PROG(bbr_start, struct sock *sk)
{
	bbr_init(sk);
	resume_start(sk);
	warm_seed(sk);
}

SEC("struct_ops")
void BPF_PROG(bbr_release, struct sock *sk)
{
	leave_replaced(sk);
}

SEC("struct_ops")
void BPF_PROG(bbr_control, struct sock *sk, __u32 ack, int flag, const struct rate_sample *rs)
{
	struct warm_belief before;
	bool discards = warm_note(sk, &before);

	bbr_main(sk, ack, flag, rs);
	if (discards)
		warm_discard(sk, &before);
	warm_acked(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(bbr_sndbuf, struct sock *sk)
{
	return bbr_sndbuf_expand(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(bbr_undo, struct sock *sk)
{
	if (window_undo_blocked(sk))
		return ((struct tcp_sock *)sk)->snd_cwnd;
	return bbr_undo_cwnd(sk);
}

SEC("struct_ops")
void BPF_PROG(bbr_ack, struct sock *sk, __u32 flags)
{
	window_ack(sk, flags);
}

SEC("struct_ops")
void BPF_PROG(bbr_tx_start, struct sock *sk)
{
	bbr_cwnd_event_tx_start(sk);
	window_before_burst(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(bbr_thresh, struct sock *sk)
{
	return bbr_ssthresh(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(bbr_tso, struct sock *sk)
{
	window_before_send(sk);
	return bbr_min_tso_segs(sk);
}

SEC("struct_ops")
void BPF_PROG(bbr_state, struct sock *sk, __u8 new_state)
{
	bbr_set_state(sk, new_state);
	warm_state(sk, new_state);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops resume_bbr = {
	.init = (void *)bbr_start,
	.release = (void *)bbr_release,
	.cong_control = (void *)bbr_control,
	.sndbuf_expand = (void *)bbr_sndbuf,
	.undo_cwnd = (void *)bbr_undo,
	.cwnd_event_tx_start = (void *)bbr_tx_start,
	.in_ack_event = (void *)bbr_ack,
	.ssthresh = (void *)bbr_thresh,
	.min_tso_segs = (void *)bbr_tso,
	.set_state = (void *)bbr_state,
	.name = CC_WRAPPED_BBR,
};
