// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * Operations of tcp_congestion_ops as older kernels call them. The loader puts
 * each in the place of the wrapper's own program where the kernel's BTF says so:
 *
 * before Linux 6.10, cong_control and bbr_main had two arguments;
 * before Linux 7.1, cwnd_event told the start of sending among other events.
 */
#include "warm.h"

char _license[] SEC("license") = "Dual BSD/GPL";

extern void bbr_main(struct sock *sk, const struct rate_sample *rs) __ksym;
extern void bbr_cwnd_event(struct sock *sk, enum tcp_ca_event event) __ksym;
extern void cubictcp_cwnd_event(struct sock *sk, enum tcp_ca_event event) __ksym;

SEC("struct_ops")
void BPF_PROG(bbr_control_two, struct sock *sk, const struct rate_sample *rs)
{
	struct warm_belief before;
	bool discards = warm_note(sk, &before);

	bbr_main(sk, rs);
	if (discards)
		warm_discard(sk, &before);
	warm_acked(sk);
}

SEC("struct_ops")
void BPF_PROG(bbr_event, struct sock *sk, enum tcp_ca_event event)
{
	bbr_cwnd_event(sk, event);
	if (event == CA_EVENT_TX_START)
		window_before_burst(sk);
}

SEC("struct_ops")
void BPF_PROG(cubic_event, struct sock *sk, enum tcp_ca_event event)
{
	cubictcp_cwnd_event(sk, event);
	if (event == CA_EVENT_TX_START)
		window_before_burst(sk);
}

SEC("struct_ops")
void BPF_PROG(reno_event, struct sock *sk, enum tcp_ca_event event)
{
	if (event == CA_EVENT_TX_START)
		window_before_burst(sk);
}

/* Never loaded: they only tell the loader which operation each program is. */
SEC(".struct_ops.link")
struct tcp_congestion_ops older_bbr = {
	.cong_control = (void *)bbr_control_two,
	.cwnd_event = (void *)bbr_event,
};

SEC(".struct_ops.link")
struct tcp_congestion_ops older_cubic = {
	.cwnd_event = (void *)cubic_event,
};

SEC(".struct_ops.link")
struct tcp_congestion_ops older_reno = {
	.cwnd_event = (void *)reno_event,
};
