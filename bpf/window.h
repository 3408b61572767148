/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The operations that CUBIC and Reno share while they are wrapped. Each takes
 * over from the kernel's function or follows it, as the phase demands.
 */
#ifndef RESUME_WINDOW_H
#define RESUME_WINDOW_H

#include "handback.h"

/* True at the first segment after longer than a retransmission timeout, but not where that is one.
 */
static __always_inline bool window_idle(const struct sock *sk)
{
	const struct tcp_sock *tp = (const struct tcp_sock *)sk;

	return !tp->packets_out && (__u32)bpf_jiffies64() - tp->lsndtime > tp->inet_conn.icsk_rto;
}

/* What was measured of the pipe is not believed after an idle time, nor is the window kept. */
static __always_inline void window_before_burst(struct sock *sk)
{
	struct resume_conn *conn = conn_of(sk);

	if (exact_pending(conn))
		exact_apply((struct tcp_sock *)sk, conn);
	else if (conn && conn->ph.now == RESUME_PHASE_FILLING && window_idle(sk))
		turn(conn, (struct tcp_sock *)sk, RESUME_PHASE_NORMAL, RESUME_TRIGGER_RATE_LIMITED);
}

/* Body of min_tso_segs, which the stack calls before it sends anything. */
static __always_inline void window_before_send(struct sock *sk)
{
	struct resume_conn *conn = conn_of(sk);

	if (!conn)
		return;
	careful_before_send(sk, conn);
	pace_write(sk, conn);
}

/* True where growth is the phases' business and the kernel's cong_avoid must not run. */
static __always_inline bool window_is_ours(struct sock *sk)
{
	struct resume_conn *conn = conn_of(sk);

	return conn && (careful_holds(conn) || conn->ph.now == RESUME_PHASE_FILLING);
}

/* After a retreat, a late duplicate could still make the stack restore the window that failed. */
static __always_inline bool window_undo_possible(struct sock *sk, const struct resume_conn *conn)
{
	return conn->retreated == RETREATED_AND_REPAIRED &&
	       seq_after(conn->undo_end, ((struct tcp_sock *)sk)->snd_una);
}

/*
 * The first cong_avoid after a retreat: the stack has ended its recovery by
 * setting the window to the threshold. RFC 9959 3.5 has it slow-start there.
 */
static __always_inline void window_repaired(struct tcp_sock *tp, struct resume_conn *conn,
					    __u32 acked)
{
	if (conn->retreated != RETREATED_IN_REPAIR || conn->ph.now == RESUME_PHASE_SAFE_RETREAT)
		return;
	conn->retreated = RETREATED_AND_REPAIRED;
	tp->snd_cwnd = at_most(tp->snd_cwnd, at_least(segments_in_flight(tp) + acked,
						      cwnd_segments(tp, conn->held)));
}

/* Reasons to leave a phase that are not in the traffic. */
static __always_inline void window_outlived(struct sock *sk, struct resume_conn *conn)
{
	if (conn->ph.now == RESUME_PHASE_NORMAL)
		return;
	if (draining())
		leave(sk, conn, RESUME_TRIGGER_DRAINING);
	else if (conn->ph.now == RESUME_PHASE_RECONNAISSANCE &&
		 bpf_ktime_get_boot_ns() >= conn->path_deadline_ns)
		leave(sk, conn, RESUME_TRIGGER_EXPIRED_MEANWHILE);
}

/* Body of in_ack_event. */
static __always_inline void window_ack(struct sock *sk, __u32 flags)
{
	struct resume_conn *conn;

	if (!(flags & CA_ACK_ECE))
		return;
	conn = conn_of(sk);
	if (conn)
		conn->ece_at = ((struct tcp_sock *)sk)->tcp_mstamp;
}

/* Tail of cong_avoid. Without a saved state there is nothing to do but to go. */
static __always_inline void window_acked(struct sock *sk, __u32 acked, enum resume_cc cc)
{
	struct resume_conn *conn = conn_of(sk);

	if (!conn) {
		handback(sk, cc);
		return;
	}
	if (exact_window_sent((struct tcp_sock *)sk, conn))
		exact_stop(sk, conn, RESUME_PHASE_NORMAL, RESUME_TRIGGER_WINDOW_SENT);
	else
		careful_acked(sk, conn);
	window_repaired((struct tcp_sock *)sk, conn, acked);
	window_outlived(sk, conn);
	if (conn->ph.now == RESUME_PHASE_NORMAL && !window_undo_possible(sk, conn))
		handback(sk, cc);
}

/* 0: the kernel's own. */
static __always_inline __u32 window_ssthresh(struct sock *sk)
{
	struct resume_conn *conn = conn_of(sk);

	return conn && careful_holds(conn) ? careful_ssthresh(sk, conn) : 0;
}

static __always_inline void window_state(struct sock *sk, __u8 state)
{
	struct resume_conn *conn = conn_of(sk);

	if (!conn || state < TCP_CA_CWR)
		return;
	if (exact_pending(conn))
		exact_congestion(sk, conn, state, RESUME_PHASE_NORMAL);
	else
		careful_congestion(sk, conn, state);
}

/* HyStart must not see the paced train: false keeps the sample from it. */
static __always_inline bool window_sample(struct sock *sk, const struct ack_sample *sample)
{
	struct resume_conn *conn = conn_of(sk);

	if (!conn || conn->ph.now == RESUME_PHASE_RECONNAISSANCE || exact_pending(conn) ||
	    conn->ph.now == RESUME_PHASE_NORMAL)
		return true;
	conn->rtt_us = sample->rtt_us > 0 ? sample->rtt_us : 0;
	/* The only call while losses are repaired. */
	if (conn->ph.now == RESUME_PHASE_SAFE_RETREAT)
		careful_acked(sk, conn);
	return false;
}

/* RFC 9959 is silent on spurious losses: while it resumes, a window once given up stays so. */
static __always_inline bool window_undo_blocked(struct sock *sk)
{
	struct resume_conn *conn = conn_of(sk);

	return conn && (careful_holds(conn) || conn->retreated);
}

#endif
