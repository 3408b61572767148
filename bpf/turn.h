/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one place where a phase change, or the end of a connection, is counted and told. */
#ifndef RESUME_TURN_H
#define RESUME_TURN_H

#include "event.h"
#include "owner.h"

static __always_inline struct resume_conn *conn_of(struct sock *sk)
{
	return bpf_sk_storage_get(&resume_conns, sk, 0, 0);
}

/*
 * What the use has shown of the path. Careful's retreat is counted where the set
 * is refuted; exact's window may have left before its loss is seen, which is
 * judged when the connection closes.
 */
static __always_inline void turn_tally(struct resume_conn *conn, enum resume_phase before,
				       enum resume_trigger trigger)
{
	if (trigger == RESUME_TRIGGER_LAST_UNVALIDATED_PACKET_ACKNOWLEDGED)
		owner_tally(conn, true);
	if (before != RESUME_PHASE_EXACT)
		return;
	if (trigger == RESUME_TRIGGER_PACKET_LOSS || trigger == RESUME_TRIGGER_ECN_CE ||
	    trigger == RESUME_TRIGGER_RTO)
		owner_tally(conn, false);
	owner_spend(conn);
}

/* A loss counts against the window only if little else was sent. */
static __always_inline void turn_judge(struct resume_conn *conn, const struct tcp_sock *tp)
{
	__u64 window = conn->event.cwnd_bytes;

	if (conn->event.mode != RESUME_MODE_EXACT ||
	    (conn->outcome != RESUME_TRIGGER_WINDOW_SENT &&
	     conn->outcome != RESUME_TRIGGER_PIPE_FULL && !conn->event.cwnd_only))
		return;
	if (!tp->total_retrans && tp->bytes_acked >= window)
		owner_tally(conn, true);
	else if (tp->total_retrans && tp->bytes_sent - conn->sent_before <= 2 * window)
		owner_tally(conn, false);
}

/* To be called with the new phase in place. */
static __always_inline void turn_told(struct resume_conn *conn, const struct tcp_sock *tp,
				      enum resume_phase before, enum resume_trigger trigger)
{
	conn->event.old_phase = before;
	conn->outcome = trigger;
	turn_tally(conn, before, trigger);
	event_emit(conn, tp, RESUME_EVENT_PHASE, trigger);
}

static __always_inline void turn(struct resume_conn *conn, const struct tcp_sock *tp,
				 enum resume_phase next, enum resume_trigger trigger)
{
	enum resume_phase before = conn->ph.now;

	conn->ph.now = next;
	turn_told(conn, tp, before, trigger);
}

/* The end is told to the sockops program, unless another program took its call away, and to the
 * wrapper, unless it is gone already: whoever comes first. */
static __always_inline void turn_closed(struct resume_conn *conn, const struct tcp_sock *tp)
{
	enum resume_phase phase = conn->ph.now;

	if (conn->closed)
		return;
	conn->closed = 1;
	if (phase == RESUME_PHASE_EXACT || phase == RESUME_PHASE_UNVALIDATED ||
	    phase == RESUME_PHASE_VALIDATING)
		stats_count(closed_while_resuming);
	owner_settle(conn);
	conn->event.old_phase = phase;
	conn->ph.now = RESUME_PHASE_NORMAL;
	if (!tp)
		return;
	turn_judge(conn, tp);
	event_emit(conn, tp, RESUME_EVENT_CLOSED, RESUME_TRIGGER_CLOSED);
}

#endif
