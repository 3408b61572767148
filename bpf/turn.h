/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one place where a phase change is counted and told. */
#ifndef RESUME_TURN_H
#define RESUME_TURN_H

#include "event.h"

static __always_inline struct resume_conn *conn_of(struct sock *sk)
{
	return bpf_sk_storage_get(&resume_conns, sk, 0, 0);
}

/* To be called with the new phase in place. */
static __always_inline void turn_told(struct resume_conn *conn, const struct tcp_sock *tp,
				      enum resume_phase before, enum resume_trigger trigger)
{
	conn->event.old_phase = before;
	conn->outcome = trigger;
	event_emit(conn, tp, RESUME_EVENT_PHASE, trigger);
}

static __always_inline void turn(struct resume_conn *conn, const struct tcp_sock *tp,
				 enum resume_phase next, enum resume_trigger trigger)
{
	enum resume_phase before = conn->ph.now;

	conn->ph.now = next;
	turn_told(conn, tp, before, trigger);
}

#endif
