/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Giving a socket its own congestion control back, by name; cwnd and ssthresh survive. */
#ifndef RESUME_HANDBACK_H
#define RESUME_HANDBACK_H

#include "cc.h"
#include "careful.h"
#include "exact.h"

static __always_inline void handback(struct sock *sk, enum resume_cc cc)
{
	if (cc_unwrap(sk, cc))
		stats_count(handback_failed);
	else
		stats_count(handed_back);
}

/* Out of any phase, because something outside of it says so. */
static __always_inline void leave(struct sock *sk, struct resume_conn *conn,
				  enum resume_trigger trigger)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;

	pace_stop(sk, conn);
	owner_jump_over(conn);
	/* A window that nothing has proven yet does not outlive its phase. */
	if (careful_holds(conn))
		tp->snd_cwnd = at_most(tp->snd_cwnd,
				       at_least(segments_in_flight(tp), INITIAL_WINDOW_SEGMENTS));
	turn(conn, tp, RESUME_PHASE_NORMAL, trigger);
}

/* Body of release: another congestion control takes over, and nothing of ours may stay behind. */
static __always_inline void leave_replaced(struct sock *sk)
{
	struct resume_conn *conn = conn_of(sk);

	if (!conn)
		return;
	if (conn->ph.now != RESUME_PHASE_NORMAL && sk->__sk_common.skc_state != BPF_TCP_CLOSE)
		leave(sk, conn, draining() ? RESUME_TRIGGER_DRAINING : RESUME_TRIGGER_REPLACED);
	else
		pace_stop(sk, conn); /* a closed socket may connect again */
}

#endif
