/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mode exact: cwnd and ssthresh as stored, before the first byte leaves, and
 * the window's first use spread over one round trip. Unpaced it would lose to a
 * cold start wherever the bottleneck's queue is shallow.
 *
 * The verbs are called from the operations of each wrapped congestion control,
 * after the kernel's own function has run.
 */
#ifndef RESUME_EXACT_H
#define RESUME_EXACT_H

#include "cwnd.h"
#include "pace.h"
#include "turn.h"

static __always_inline bool exact_pending(const struct resume_conn *conn)
{
	return conn && conn->ph.now == RESUME_PHASE_EXACT;
}

static __always_inline void exact_apply(struct tcp_sock *tp, const struct resume_conn *conn)
{
	__u32 ssthresh_bytes = conn->event.ssthresh_bytes;

	if (tp->snd_cwnd < cwnd_segments(tp, conn->event.cwnd_bytes) || !tp->bytes_sent)
		cwnd_write(tp, conn->event.cwnd_bytes);
	if (ssthresh_bytes)
		ssthresh_write(tp, ssthresh_bytes);
	else
		tp->snd_ssthresh = TCP_INFINITE_SSTHRESH;
}

/* The RTT as stored: the handshake's is missing with Fast Open and coarse with SYN cookies. */
static __always_inline __u32 exact_rtt_us(const struct tcp_sock *tp, const struct resume_conn *conn)
{
	return conn->event.saved_rtt_us ?: tp->srtt_us >> 3;
}

static __always_inline void exact_start(struct sock *sk, struct resume_conn *conn)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	__u32 window = cwnd_bounded(tp, conn->event.cwnd_bytes);
	__u32 exempt = PACE_EXEMPT_SEGMENTS * tp->mss_cache;
	__u32 rtt_us = exact_rtt_us(tp, conn);

	conn->sent_before = tp->bytes_sent;
	exact_apply(tp, conn);
	if (rtt_us && window > exempt)
		pace_start(sk, conn, (__u64)(window - exempt) * 1000000 / rtt_us);
}

/* At init of a wrapper: the socket is the connection's. */
static __always_inline void resume_start(struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct resume_conn *conn = conn_of(sk);

	if (!conn || !tp->mss_cache)
		return;
	if (exact_pending(conn))
		exact_start(sk, conn);
	/* What gave it to a live connection may not read all that an event tells. */
	if (conn->joined)
		event_emit(conn, tp, RESUME_EVENT_RESUMED, conn->joined);
	conn->joined = RESUME_TRIGGER_NONE;
}

/* True once the stored window has left and its ACKs have begun to return. */
static __always_inline bool exact_window_sent(const struct tcp_sock *tp,
					      const struct resume_conn *conn)
{
	return exact_pending(conn) &&
	       tp->bytes_sent - conn->sent_before >= cwnd_bounded(tp, conn->event.cwnd_bytes);
}

static __always_inline void exact_stop(struct sock *sk, struct resume_conn *conn,
				       enum resume_phase phase, enum resume_trigger trigger)
{
	pace_stop(sk, conn);
	turn(conn, (struct tcp_sock *)sk, phase, trigger);
}

/* Congestion ends the phase at once; the kernel's own reaction stands. */
static __always_inline void exact_congestion(struct sock *sk, struct resume_conn *conn, __u8 state,
					     enum resume_phase next)
{
	enum resume_trigger trigger = RESUME_TRIGGER_PACKET_LOSS;

	if (state == TCP_CA_CWR)
		trigger = RESUME_TRIGGER_ECN_CE;
	else if (state == TCP_CA_LOSS)
		trigger = RESUME_TRIGGER_RTO;
	exact_stop(sk, conn, next, trigger);
}

#endif
