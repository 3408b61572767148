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
	enum resume_phase before = conn->ph.now;
	struct phase_io io = {};
	__u32 cwnd;

	pace_stop(sk, conn);
	owner_jump_over(conn);
	if (!tp->mss_cache)
		return;
	careful_see(tp, conn, &io);
	cwnd = io.cwnd;
	phase_leave(&conn->ph, &io, trigger);
	careful_write(tp, conn, &io, cwnd);
	turn_told(conn, tp, before, trigger);
}

/* Body of release: another congestion control takes over, and nothing of ours may stay behind. */
static __always_inline void leave_replaced(struct sock *sk)
{
	struct resume_conn *conn = conn_of(sk);

	if (!conn)
		return;
	if (sk->__sk_common.skc_state == BPF_TCP_CLOSE) {
		pace_stop(sk, conn); /* it may connect again */
		turn_closed(conn, (struct tcp_sock *)sk);
		bpf_sk_storage_delete(&resume_conns, sk);
	} else if (conn->ph.now != RESUME_PHASE_NORMAL) {
		leave(sk, conn, draining() ? RESUME_TRIGGER_DRAINING : RESUME_TRIGGER_REPLACED);
	} else {
		pace_stop(sk, conn);
	}
}

#endif
