/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Mode careful on a socket: what the kernel shows is handed to the phases, what
 * they decide is written back. The verbs are called from the operations of each
 * wrapped congestion control.
 */
#ifndef RESUME_CAREFUL_H
#define RESUME_CAREFUL_H

#include "cwnd.h"
#include "decide.h"
#include "observe.h"
#include "pace.h"
#include "turn.h"

#define INITIAL_WINDOW_SEGMENTS 10 /* RFC 6928 */

/* Between the jump and the last unvalidated packet's ACK the window is the phases' alone. */
static __always_inline bool careful_jumping(const struct resume_conn *conn)
{
	return conn->ph.now == RESUME_PHASE_UNVALIDATED || conn->ph.now == RESUME_PHASE_VALIDATING;
}

static __always_inline bool careful_holds(const struct resume_conn *conn)
{
	return careful_jumping(conn) || conn->ph.now == RESUME_PHASE_SAFE_RETREAT;
}

static __always_inline void careful_see(const struct tcp_sock *tp, struct resume_conn *conn,
					struct phase_io *io)
{
	__u32 mss = tp->mss_cache, snd_nxt = tp->snd_nxt;

	/* Or one instruction would load it from a socket and a map, which the verifier refuses. */
	barrier_var(snd_nxt);
	io->mss = mss;
	io->initial_window = INITIAL_WINDOW_SEGMENTS * mss;
	io->snd_una = tp->snd_una;
	io->snd_nxt = snd_nxt;
	io->waiting = tp->write_seq - snd_nxt;
	io->flight = bytes_in_flight(tp);
	io->cwnd = cwnd_bytes(tp);
	io->clamp = cwnd_clamp_bytes(tp);
	io->receiver_window = tp->snd_wnd;
	io->delivered = bytes_delivered(tp);
	io->srtt_us = tp->srtt_us >> 3;
	io->min_rtt_us = tp->rtt_min.s[0].v;
	io->now_us = tp->tcp_mstamp; /* the clock that packets are stamped with */
	io->newest_acked_us = tp->rack.mstamp;
}

static __always_inline void careful_pace(struct sock *sk, struct resume_conn *conn,
					 const struct phase_io *io)
{
	__u32 rtt_us = at_least(io->srtt_us, io->min_rtt_us);

	if (rtt_us)
		pace_start(sk, conn, (__u64)conn->ph.jump * 1000000 / rtt_us);
}

/* What the connection delivered before it proved the path wrong must not be saved. */
static __always_inline void careful_unlearn(struct sock *sk)
{
	struct resume_observation *seen = bpf_sk_storage_get(&resume_seen, sk, 0, 0);

	if (seen)
		observe_nothing(seen);
}

/* RFC 9959 3.1: PipeSize was carried within a round trip, so it may be saved. */
static __always_inline void careful_learn(struct sock *sk, const struct resume_conn *conn,
					  const struct phase_io *io)
{
	struct resume_observation *seen = bpf_sk_storage_get(&resume_seen, sk, 0, 0);
	__u64 now = bpf_ktime_get_boot_ns();

	if (!seen && conn->learn_ns) {
		seen = bpf_sk_storage_get(&resume_seen, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
		if (seen)
			observe_begin(seen, bytes_delivered((struct tcp_sock *)sk), conn->learn_ns,
				      now);
	}
	if (seen)
		observe_best(seen, conn->ph.pipe, io->min_rtt_us, now);
}

/*
 * True where the jump itself failed. While filling the window was proven, so a
 * timeout there is normal congestion control's, to be undone if it was spurious.
 */
static __always_inline bool careful_failed(enum resume_phase before, enum resume_phase now,
					   enum resume_trigger trigger)
{
	if (now == RESUME_PHASE_SAFE_RETREAT)
		return true;
	return trigger == RESUME_TRIGGER_RTO &&
	       (before == RESUME_PHASE_UNVALIDATED || before == RESUME_PHASE_VALIDATING);
}

/* What a phase change means beyond the window: the claim, the pacing, the entry, the event. */
static __always_inline void careful_turned(struct sock *sk, struct resume_conn *conn,
					   const struct phase_io *io, enum resume_phase before)
{
	enum resume_phase now = conn->ph.now;

	if (now == RESUME_PHASE_UNVALIDATED)
		careful_pace(sk, conn, io);
	else
		pace_stop(sk, conn);
	if (before == RESUME_PHASE_VALIDATING && now == RESUME_PHASE_FILLING)
		careful_learn(sk, conn, io);
	if (careful_failed(before, now, io->trigger)) {
		conn->retreated = RETREATED_IN_REPAIR;
		if (io->trigger != RESUME_TRIGGER_LOCAL_CONGESTION) {
			conn->outcome = io->trigger;
			owner_refute(conn);
			careful_unlearn(sk);
		}
	}
	conn->undo_end = io->snd_nxt;
	if (now == RESUME_PHASE_NORMAL || now == RESUME_PHASE_FILLING)
		owner_jump_over(conn);
	turn_told(conn, (struct tcp_sock *)sk, before, io->trigger);
}

static __always_inline void careful_write(struct tcp_sock *tp, struct resume_conn *conn,
					  const struct phase_io *io, __u32 before)
{
	if (io->cwnd != before)
		cwnd_write(tp, io->cwnd);
	if (io->ssthresh)
		ssthresh_write(tp, io->ssthresh);
	if (careful_jumping(conn) || io->trigger)
		conn->held = io->cwnd;
}

static __always_inline void careful_step(struct sock *sk, struct resume_conn *conn,
					 struct phase_io *io)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	enum resume_phase before = conn->ph.now;
	__u32 cwnd;

	if (!tp->mss_cache)
		return;
	careful_see(tp, conn, io);
	cwnd = io->cwnd;
	phase_step(&conn->ph, io);
	if (io->input == PHASE_SEND && io->trigger && before == RESUME_PHASE_RECONNAISSANCE)
		io->trigger = owner_decide(conn, io, cwnd, owner_lease_ns(tp));
	careful_write(tp, conn, io, cwnd);
	if (careful_holds(conn))
		owner_jump_on(conn, owner_lease_ns(tp));
	if (io->trigger)
		careful_turned(sk, conn, io, before);
}

/*
 * RFC 9959 4.5: proportional rate reduction has no say in Safe Retreat. One
 * packet may go ahead of the reduction (3.5, RFC 6675 section 5): the first
 * retransmission does not wait for the flight to drain.
 */
static __always_inline void careful_hold(struct tcp_sock *tp, const struct resume_conn *conn)
{
	struct inet_connection_sock *icsk = &tp->inet_conn;
	__u32 held = cwnd_segments(tp, conn->held), hold = held;

	if (!tp->prr_out && BPF_CORE_READ_BITFIELD(icsk, icsk_ca_state) == TCP_CA_RECOVERY)
		hold = at_least(hold, segments_in_flight(tp) + 1);
	if (tp->snd_cwnd > hold || hold > held)
		tp->snd_cwnd = at_most(hold, tp->snd_cwnd_clamp);
}

/* The hook of RFC 9959's jump: data is waiting, and the window is read anew after this. */
static __always_inline void careful_before_send(struct sock *sk, struct resume_conn *conn)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct phase_io io = {.input = PHASE_SEND};

	if (conn->ph.now == RESUME_PHASE_RECONNAISSANCE && !tp->sacked_out)
		careful_step(sk, conn, &io);
	if (conn->ph.now == RESUME_PHASE_SAFE_RETREAT)
		careful_hold(tp, conn);
}

static __always_inline void careful_acked(struct sock *sk, struct resume_conn *conn)
{
	__u64 acked = ((struct tcp_sock *)sk)->bytes_acked;
	struct phase_io io = {
		.input = PHASE_ACK,
		.acked = acked - conn->acked_before,
		.rtt_us = conn->rtt_us,
	};

	conn->acked_before = acked;
	conn->rtt_us = 0;
	careful_step(sk, conn, &io);
}

/*
 * What a change of state stands for. CWR is entered by ACKs with an ECN echo,
 * which came at this very moment, and by the host's own queues. Loss is entered
 * by a timeout, which has set the window to one segment more than is in flight,
 * and where the path's MTU fell, which has not.
 */
static __always_inline enum phase_input careful_input(const struct tcp_sock *tp,
						      const struct resume_conn *conn, __u8 state)
{
	if (state == TCP_CA_CWR)
		return conn->ece_at == tp->tcp_mstamp ? PHASE_ECN : PHASE_LOCAL;
	if (state != TCP_CA_LOSS)
		return PHASE_LOSS;
	return tp->snd_cwnd > segments_in_flight(tp) + 1 ? PHASE_MTU : PHASE_RTO;
}

static __always_inline void careful_congestion(struct sock *sk, struct resume_conn *conn,
					       __u8 state)
{
	struct phase_io io = {.input = careful_input((struct tcp_sock *)sk, conn, state)};

	careful_step(sk, conn, &io);
}

/* The threshold when congestion ends a jump: half of what was proven, not of what was tried. */
static __always_inline __u32 careful_ssthresh(struct sock *sk, struct resume_conn *conn)
{
	struct tcp_sock *tp = (struct tcp_sock *)sk;
	struct phase_io io = {};

	if (!tp->mss_cache)
		return 2;
	careful_see(tp, conn, &io);
	phase_measure(&conn->ph, &io);
	return at_least(conn->ph.pipe / 2 / tp->mss_cache, 2);
}

#endif
