// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/* bbr_control with the two arguments that cong_control and bbr_main had before Linux 6.10. */
#include "warm.h"

char _license[] SEC("license") = "Dual BSD/GPL";

extern void bbr_main(struct sock *sk, const struct rate_sample *rs) __ksym;

SEC("struct_ops")
void BPF_PROG(bbr_control, struct sock *sk, const struct rate_sample *rs)
{
	struct warm_belief before;
	bool discards = warm_note(sk, &before);

	bbr_main(sk, rs);
	if (discards)
		warm_discard(sk, &before);
	warm_acked(sk);
}

/* Never loaded: it only tells the loader which operation the program above is. */
SEC(".struct_ops.link")
struct tcp_congestion_ops resume_bbr = {
	.cong_control = (void *)bbr_control,
};
