/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * BBR's warm start: the bandwidth filter is seeded with the stored rate, and
 * once the stored window has left, STARTUP may probe, but not at its gain of
 * 2.89, which overruns a shallow queue: its pacing is capped to the stored rate
 * or 1.25 times the rate measured, whichever is more, until the pipe is full.
 */
#ifndef RESUME_WARM_H
#define RESUME_WARM_H

#include "window.h"

#define BBR_BW_SCALE 24

static __always_inline struct bbr *bbr_of(struct sock *sk)
{
	return (struct bbr *)((struct inet_connection_sock *)sk)->icsk_ca_priv;
}

static __always_inline __u64 stored_rate(const struct tcp_sock *tp, const struct resume_conn *conn)
{
	__u32 rtt_us = exact_rtt_us(tp, conn);

	return rtt_us ? (__u64)conn->event.cwnd_bytes * 1000000 / rtt_us : 0;
}

static __always_inline void warm_seed(struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct resume_conn *conn = conn_of(sk);
	struct bbr *bbr = bbr_of(sk);
	__u32 rtt_us, bw;

	if (!exact_pending(conn))
		return;
	rtt_us = exact_rtt_us(tp, conn);
	if (!rtt_us)
		return;
	bw = ((__u64)cwnd_segments(tp, conn->event.cwnd_bytes) << BBR_BW_SCALE) / rtt_us;
	bbr->bw.s[0].v = bw;
	bbr->bw.s[1].v = bw;
	bbr->bw.s[2].v = bw;
}

static __always_inline bool warm_pipe_full(struct sock *sk)
{
	struct bbr *bbr = bbr_of(sk);

	return BPF_CORE_READ_BITFIELD(bbr, full_bw_reached);
}

/* What STARTUP would pace at now, had there been no jump: 2.89 times the rate of its last round. */
static __always_inline __u64 warm_cold_rate(struct tcp_sock *tp, struct resume_conn *conn)
{
	struct phase_io io = {};

	careful_see(tp, conn, &io);
	phase_round(&conn->ph, &io);
	return io.min_rtt_us ? (__u64)conn->ph.cold * 3 / 2 * 1000000 / io.min_rtt_us : 0;
}

static __always_inline void warm_cap(struct sock *sk, struct resume_conn *conn)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct bbr *bbr = bbr_of(sk);
	__u64 measured, cap;

	if (warm_pipe_full(sk)) {
		exact_stop(sk, conn, RESUME_PHASE_NORMAL, RESUME_TRIGGER_PIPE_FULL);
		return;
	}
	measured = ((__u64)bbr->bw.s[0].v * tp->mss_cache * 1000000) >> BBR_BW_SCALE;
	cap = warm_cold_rate(tp, conn);
	if (cap < stored_rate(tp, conn))
		cap = stored_rate(tp, conn);
	if (measured + measured / 4 > cap)
		cap = measured + measured / 4;
	if (sk->sk_pacing_rate > cap)
		sk->sk_pacing_rate = cap;
}

static __always_inline void warm_state(struct sock *sk, __u8 state)
{
	struct resume_conn *conn = conn_of(sk);

	if (!conn || state < TCP_CA_CWR)
		return;
	if (exact_pending(conn))
		exact_congestion(sk, conn, state, RESUME_PHASE_FILLING);
	else if (conn->ph.now != RESUME_PHASE_FILLING)
		careful_congestion(sk, conn, state);
	/* BBR would restore the window that failed when its recovery ends. */
	if (conn->ph.now == RESUME_PHASE_SAFE_RETREAT)
		bbr_of(sk)->prior_cwnd = cwnd_segments((struct tcp_sock *)sk, conn->held);
}

/* What BBR believes the path carries. */
struct warm_belief {
	struct minmax bw;
	unsigned long pacing_rate;
};

/*
 * RFC 9959 appendix C: delivery rates sampled in Drain, Safe Retreat here, are
 * discarded: BBR's belief is noted before it sees the sample, and put back.
 */
static __always_inline bool warm_note(struct sock *sk, struct warm_belief *before)
{
	struct resume_conn *conn = conn_of(sk);

	if (!conn || conn->ph.now != RESUME_PHASE_SAFE_RETREAT)
		return false;
	before->bw = bbr_of(sk)->bw;
	before->pacing_rate = sk->sk_pacing_rate;
	return true;
}

static __always_inline void warm_discard(struct sock *sk, const struct warm_belief *before)
{
	struct bbr *bbr = bbr_of(sk);

	for (int i = 0; i < 3; i++) {
		bbr->bw.s[i].t = before->bw.s[i].t;
		bbr->bw.s[i].v = before->bw.s[i].v;
	}
	if (sk->sk_pacing_rate > before->pacing_rate)
		sk->sk_pacing_rate = before->pacing_rate;
}

/* Tail of cong_control, at each ACK, in recovery too: BBR's window is overruled while ours holds.
 */
static __always_inline void warm_acked(struct sock *sk)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct resume_conn *conn = conn_of(sk);

	if (draining()) {
		if (conn)
			window_outlived(sk, conn);
		handback(sk, RESUME_CC_BBR);
		return;
	}
	if (!conn || (conn->ph.now == RESUME_PHASE_NORMAL && !conn->retreated))
		return; /* BBR keeps its wrapper: nothing is left to do but to watch for the above
			 */
	if (conn->ph.now == RESUME_PHASE_NORMAL) {
		if (!seq_after(conn->undo_end, tp->snd_una))
			conn->retreated = RETREATED_NEVER; /* its undo is its own again */
		return;
	}
	if (careful_jumping(conn))
		cwnd_write(tp, conn->held);
	/* RFC 9959 appendix C: in STARTUP only. */
	if (conn->ph.now == RESUME_PHASE_RECONNAISSANCE && warm_pipe_full(sk))
		turn(conn, tp, RESUME_PHASE_NORMAL, RESUME_TRIGGER_NO_GAIN);
	if (exact_window_sent(tp, conn))
		exact_stop(sk, conn, RESUME_PHASE_FILLING, RESUME_TRIGGER_WINDOW_SENT);
	else if (conn->ph.now != RESUME_PHASE_FILLING)
		careful_acked(sk, conn);
	if (conn->ph.now == RESUME_PHASE_SAFE_RETREAT)
		tp->snd_cwnd = at_most(tp->snd_cwnd, cwnd_segments(tp, conn->held));
	window_outlived(sk, conn);
	if (conn->ph.now == RESUME_PHASE_FILLING)
		warm_cap(sk, conn);
}

#endif
