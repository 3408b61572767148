/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Pacing without fq, by the TCP stack's own timer.
 *
 * The stack computes sk_pacing_rate anew after each ACK. Our rate is written
 * back in min_tso_segs, which the stack calls before it sends anything, so no
 * socket option of the application is touched and nothing needs to be restored
 * but sk_pacing_status.
 */
#ifndef RESUME_PACE_H
#define RESUME_PACE_H

#include "conn.h"
#include "kernel.h"

/* Segments that the stack sends unpaced at the start of each connection. */
#define PACE_EXEMPT_SEGMENTS 10

static __always_inline void pace_write(struct sock *sk, const struct resume_conn *conn)
{
	__u64 cap = sk->sk_max_pacing_rate;

	if (!conn->pacing_rate)
		return;
	sk->sk_pacing_rate = conn->pacing_rate < cap ? conn->pacing_rate : cap;
}

static __always_inline void pace_start(struct sock *sk, struct resume_conn *conn, __u64 rate)
{
	conn->pacing_rate = rate;
	if (!rate)
		return;
	if (sk->sk_pacing_status == SK_PACING_NONE) {
		sk->sk_pacing_status = SK_PACING_NEEDED;
		conn->paced_by_us = 1;
	}
	pace_write(sk, conn);
}

static __always_inline void pace_stop(struct sock *sk, struct resume_conn *conn)
{
	conn->pacing_rate = 0;
	/* An application that set a rate meanwhile relies on the status that it found set. */
	if (conn->paced_by_us && sk->sk_pacing_status == SK_PACING_NEEDED &&
	    sk->sk_max_pacing_rate == ~0UL)
		sk->sk_pacing_status = SK_PACING_NONE;
	conn->paced_by_us = 0;
}

/* Body of min_tso_segs for congestion controls that have none of their own. */
static __always_inline __u32 pace_min_tso_segs(struct sock *sk)
{
	return sk->__sk_common.skc_net.net->ipv4.sysctl_tcp_min_tso_segs;
}

#endif
