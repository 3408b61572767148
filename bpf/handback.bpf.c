// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
// go:build ignore
/*
 * Run at `down`, once in each network namespace: gives idle sockets their own
 * congestion control back. Busy ones do it themselves at their next ACK.
 */
#include "cc.h"
#include "stats.h"

char _license[] SEC("license") = "Dual BSD/GPL";

SEC("iter/tcp")
int tcp_handback(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct cc_name name = {};
	enum resume_cc cc;
	struct tcp_sock *tp;

	if (!common)
		return 0;
	tp = bpf_skc_to_tcp_sock(common);
	if (!tp || bpf_getsockopt(tp, SOL_TCP, TCP_CONGESTION, &name, sizeof(name)))
		return 0;
	cc = cc_of_wrapper(&name);
	if (cc == RESUME_CC_OTHER)
		return 0;
	if (cc_unwrap(tp, cc)) {
		stats_count(handback_failed);
		return 0;
	}
	stats_count(handed_back);
	bpf_seq_write(ctx->meta->seq, "+", 1); /* one byte a socket: what user space counts */
	return 0;
}
