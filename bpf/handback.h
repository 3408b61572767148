/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Giving a socket its own congestion control back, by name; cwnd and ssthresh survive. */
#ifndef RESUME_HANDBACK_H
#define RESUME_HANDBACK_H

#include "cc.h"
#include "exact.h"

static __always_inline bool draining(void)
{
	__u32 zero = 0;
	struct resume_control *control = bpf_map_lookup_elem(&resume_control, &zero);

	return control && control->draining;
}

static __always_inline void handback(struct sock *sk, enum resume_cc cc)
{
	if (cc_unwrap(sk, cc))
		stats_count(handback_failed);
	else
		stats_count(handed_back);
}

/*
 * Tail of cong_avoid for window-based controls. A wrapper without a saved state
 * has nothing to do either: somebody chose it by name, or its storage is gone.
 */
static __always_inline void handback_when_done(struct sock *sk, enum resume_cc cc)
{
	struct resume_conn *conn = conn_of(sk);

	if (conn && exact_window_sent((struct tcp_sock *)sk, conn))
		exact_stop(sk, conn, RESUME_PHASE_NORMAL, RESUME_TRIGGER_WINDOW_SENT);
	else if (conn && conn->event.phase != RESUME_PHASE_NORMAL && draining())
		exact_stop(sk, conn, RESUME_PHASE_NORMAL, RESUME_TRIGGER_DRAINING);
	if (!conn || conn->event.phase == RESUME_PHASE_NORMAL)
		handback(sk, cc);
}

#endif
