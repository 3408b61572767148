/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RFC 9959 Careful Resume as one pure step function: no map, no helper, no
 * socket. What a connection shows goes in, what is to be done comes out, so the
 * same code runs around CUBIC, Reno and BBR, and under the RFC's vectors in a
 * test. Sections in the comments are the RFC's. Windows are bytes.
 */
#ifndef RESUME_PHASE_H
#define RESUME_PHASE_H

#include "step.h"

#define FILLING_SAMPLES 8 /* RFC 9406 4.2 N_RTT_SAMPLE */
#define FILLING_MIN_US 4000 /* MIN_RTT_THRESH */
#define FILLING_MAX_US 16000 /* MAX_RTT_THRESH */

/* 4.2.1: the minimum must exceed low and may reach high; a saved RTT must exist. */
static __always_inline bool phase_rtt_confirmed(const struct phase *ph, const struct phase_io *io)
{
	__u64 percent = (__u64)io->min_rtt_us * 100;

	return percent > (__u64)ph->saved_rtt_us * ph->rtt_low_percent &&
	       percent <= (__u64)ph->saved_rtt_us * ph->rtt_high_percent;
}

/*
 * jump_cwnd. The RFC's upper bounds are half of the saved window and max_jump;
 * a round-trip time that already shows a standing queue shrinks it by the
 * square of the ratio, because there the pipe belongs to others.
 */
static __always_inline __u32 phase_jump_size(struct phase *ph, const struct phase_io *io)
{
	__u32 rtt_us = at_least(io->srtt_us, io->min_rtt_us);
	__u64 jump = ph->saved_cwnd / 2;

	ph->limit = RESUME_LIMIT_SAVED_WINDOW;
	if (ph->max_jump && jump > ph->max_jump) {
		jump = ph->max_jump;
		ph->limit = RESUME_LIMIT_MAX_JUMP;
	}
	if (rtt_us > (__u64)ph->saved_rtt_us + ph->saved_rtt_us / 8 + 2000) {
		jump = jump * ph->saved_rtt_us / rtt_us;
		jump = jump * ph->saved_rtt_us / rtt_us;
		ph->limit = RESUME_LIMIT_STANDING_QUEUE;
	}
	if (jump > io->receiver_window) {
		jump = io->receiver_window;
		ph->limit = RESUME_LIMIT_RECEIVER_WINDOW;
	}
	if (jump > io->clamp) {
		jump = io->clamp;
		ph->limit = RESUME_LIMIT_CLAMP;
	}
	return jump;
}

/*
 * True where a jump to so many bytes gains: it takes a round trip to leave and
 * one to be confirmed, in which slow start would have doubled twice.
 */
static __always_inline bool phase_gains(__u32 jump, __u32 cwnd)
{
	return jump >= RESUME_BOUND_JUMP_WINDOWS * (__u64)cwnd;
}

/* The receiver's window holds slow start as it holds the jump: there doubling once is a gain. */
static __always_inline bool phase_gains_now(const struct phase *ph, __u32 jump, __u32 cwnd)
{
	return phase_gains(jump, cwnd) ||
	       (ph->limit == RESUME_LIMIT_RECEIVER_WINDOW && jump >= 2 * (__u64)cwnd);
}

/*
 * PipeSize (3.3): the flight at the jump, then what was delivered beyond it.
 * Counting deliveries includes what is acknowledged during recovery; what was
 * sent after the last unvalidated packet proves nothing about the jump.
 */
static __always_inline void phase_measure(struct phase *ph, const struct phase_io *io)
{
	__u32 last = ph->now == RESUME_PHASE_UNVALIDATED ? io->snd_nxt : ph->last_unvalidated;
	__u32 sent = ph->flight_before + (last - ph->first_unvalidated);

	ph->pipe = at_least(ph->flight_before, at_most(io->delivered - ph->delivered_before, sent));
}

/* What slow start would have reached; Careful Resume never leaves less than that behind. */
static __always_inline __u32 phase_floor(const struct phase *ph, const struct phase_io *io)
{
	return at_least(io->initial_window,
			plus(ph->cwnd_before, io->delivered - ph->delivered_before));
}

/* The most that may stay of a window when nothing speaks for the rest of it. */
static __always_inline __u32 phase_proven(const struct phase *ph, const struct phase_io *io)
{
	return at_least(ph->pipe, phase_floor(ph, io));
}

/* True where a round trip has passed since the last time. */
static __always_inline bool phase_round(struct phase *ph, const struct phase_io *io)
{
	if (!seq_after(io->snd_una, ph->round_end))
		return false;
	ph->round_end = io->snd_nxt;
	ph->cold = plus(ph->cold, ph->cold);
	return true;
}

static __always_inline void phase_retreat(struct phase *ph, struct phase_io *io,
					  enum resume_trigger trigger)
{
	phase_measure(ph, io);
	if (ph->now == RESUME_PHASE_UNVALIDATED)
		ph->last_unvalidated = io->snd_nxt;
	io->cwnd = at_least(at_most(io->cwnd, ph->pipe / 2), 2 * io->mss);
	io->ssthresh = io->cwnd;
	ph->entered_us = io->now_us;
	phase_to(ph, io, RESUME_PHASE_SAFE_RETREAT, trigger);
}

static __always_inline void phase_reconnaissance(struct phase *ph, struct phase_io *io)
{
	__u32 jump;

	if (io->input == PHASE_ACK && !ph->initial_seen) {
		ph->initial_seen = 1;
		ph->initial_end = io->snd_nxt;
	}
	if (io->input != PHASE_SEND || !ph->initial_seen || seq_after(ph->initial_end, io->snd_una))
		return;
	if ((__u64)io->waiting + io->flight <= io->cwnd)
		return; /* 3.2: deferred until there is more than normal congestion control sends */
	if (!phase_rtt_confirmed(ph, io)) {
		phase_to(ph, io, RESUME_PHASE_NORMAL, RESUME_TRIGGER_RTT_NOT_VALIDATED);
		return;
	}
	jump = phase_jump_size(ph, io);
	if (!phase_gains_now(ph, jump, io->cwnd)) {
		phase_to(ph, io, RESUME_PHASE_NORMAL, RESUME_TRIGGER_NO_GAIN);
		return;
	}
	ph->jump = jump;
	ph->pipe = ph->flight_before = io->flight;
	ph->cwnd_before = io->cwnd;
	ph->delivered_before = io->delivered;
	ph->first_unvalidated = ph->round_end = io->snd_nxt;
	ph->cold = io->cwnd;
	ph->base_rtt_us = io->min_rtt_us;
	ph->round_min_us = ~0U;
	ph->round_samples = ph->open = 0;
	ph->entered_us = io->now_us;
	io->cwnd = jump;
	phase_to(ph, io, RESUME_PHASE_UNVALIDATED, RESUME_TRIGGER_CONGESTION_WINDOW_LIMITED);
}

static __always_inline void phase_unvalidated(struct phase *ph, struct phase_io *io)
{
	enum resume_trigger trigger;

	phase_measure(ph, io);
	phase_round(ph, io);
	io->cwnd = ph->jump;
	if (seq_after(io->snd_una, ph->first_unvalidated))
		trigger = RESUME_TRIGGER_FIRST_UNVALIDATED_PACKET_ACKNOWLEDGED;
	else if ((__u64)io->flight + io->mss > ph->jump)
		trigger = RESUME_TRIGGER_LAST_UNVALIDATED_PACKET_SENT;
	else if (io->now_us - ph->entered_us > at_least(io->srtt_us, io->min_rtt_us))
		trigger = RESUME_TRIGGER_RTT_EXCEEDED;
	else
		return;
	ph->last_unvalidated = io->snd_nxt;
	if (io->flight < io->initial_window || io->flight <= ph->pipe) {
		io->cwnd = phase_proven(ph, io);
		phase_to(ph, io, RESUME_PHASE_NORMAL, RESUME_TRIGGER_RATE_LIMITED);
		return;
	}
	io->cwnd = at_least(io->flight, phase_floor(ph, io));
	phase_to(ph, io, RESUME_PHASE_VALIDATING, trigger);
}

/* Looks at the delay, some samples at a time; true where all of them show a queue. */
static __always_inline bool phase_look(struct phase *ph, const struct phase_io *io)
{
	__u32 rise = at_most(at_least(ph->base_rtt_us / 8, FILLING_MIN_US), FILLING_MAX_US);

	if (io->rtt_us) {
		ph->round_min_us = at_most(ph->round_min_us, io->rtt_us);
		ph->round_samples++;
	}
	if (ph->round_samples < FILLING_SAMPLES)
		return false;
	ph->open = ph->round_min_us <= ph->base_rtt_us + rise;
	ph->round_min_us = ~0U;
	ph->round_samples = 0;
	return !ph->open;
}

/*
 * 3.4 lets the window grow here. It does so as far as slow start would have come
 * without the jump, and to the saved window once a look at the delay has shown no
 * queue: measured, more overruns a shallow one.
 */
static __always_inline void phase_validating(struct phase *ph, struct phase_io *io)
{
	__u32 grown;

	phase_measure(ph, io);
	phase_round(ph, io);
	phase_look(ph, io);
	grown = at_most(plus(io->cwnd, io->acked),
			at_least(ph->open ? ph->saved_cwnd : 0, ph->cold));
	io->cwnd = at_least(io->cwnd, at_least(grown, phase_floor(ph, io)));
	if (seq_after(ph->last_unvalidated, io->snd_una))
		return;
	ph->credit = 0;
	phase_to(ph, io, RESUME_PHASE_FILLING, RESUME_TRIGGER_LAST_UNVALIDATED_PACKET_ACKNOWLEDGED);
}

/*
 * Growth in quarters of slow start's. The saved window may be all that the path
 * carries, or all that a short connection had seen of it: above it, growth is the
 * slower, the further the window is ahead of slow start without the jump.
 */
static __always_inline __u32 phase_quarters(const struct phase *ph, __u32 cwnd)
{
	if (cwnd < ph->saved_cwnd)
		return 4;
	if (cwnd < ph->cold / 4 * 3)
		return 3;
	return cwnd < 2 * (__u64)ph->cold ? 2 : 1;
}

/*
 * Normal congestion control short of the pipe: slow start, reined in above the
 * saved window as in the conservative slow start of RFC 9406, until the delay
 * rises. HyStart is kept out: to it the paced train is a full pipe.
 */
static __always_inline void phase_filling(struct phase *ph, struct phase_io *io)
{
	if (phase_look(ph, io)) {
		io->ssthresh = io->cwnd;
		phase_to(ph, io, RESUME_PHASE_NORMAL, RESUME_TRIGGER_PIPE_FULL);
		return;
	}
	if (phase_round(ph, io))
		ph->open = 1;
	if ((__u64)io->flight + io->acked + 3 * io->mss < io->cwnd / 2)
		return; /* the window is not used */
	ph->credit += (__u64)io->acked * phase_quarters(ph, io->cwnd) / 4;
	if (!ph->open)
		return;
	io->cwnd = plus(io->cwnd, ph->credit / io->mss * io->mss);
	ph->credit %= io->mss;
}

/*
 * 3.5: no growth; the phase ends when the last unvalidated packet, or a later
 * one, is acknowledged. A later one is any that was sent after the retreat
 * began, a retransmission too: QUIC numbers those anew, TCP tells them by time.
 */
static __always_inline void phase_safe_retreat(struct phase *ph, struct phase_io *io)
{
	phase_measure(ph, io);
	if (seq_after(ph->last_unvalidated, io->snd_una) &&
	    seq_after(ph->entered_us, io->newest_acked_us))
		return;
	io->ssthresh = at_least(ph->pipe / 2, 2 * io->mss); /* Beta 0.5 */
	phase_to(ph, io, RESUME_PHASE_NORMAL, RESUME_TRIGGER_EXIT_RECOVERY);
}

/* True while the window is larger than what the path is known to carry, or just was. */
static __always_inline bool phase_unproven(const struct phase *ph)
{
	return ph->now == RESUME_PHASE_UNVALIDATED || ph->now == RESUME_PHASE_VALIDATING ||
	       ph->now == RESUME_PHASE_SAFE_RETREAT;
}

/* Out of any phase, whatever the stack has done to the window or will: what is left is proven. */
static __always_inline void phase_leave(struct phase *ph, struct phase_io *io,
					enum resume_trigger trigger)
{
	if (phase_unproven(ph)) {
		phase_measure(ph, io);
		io->cwnd = at_most(io->cwnd, phase_proven(ph, io));
	}
	phase_to(ph, io, RESUME_PHASE_NORMAL, trigger);
}

static __always_inline enum resume_trigger phase_cause(enum phase_input input)
{
	switch (input) {
	case PHASE_ECN:
		return RESUME_TRIGGER_ECN_CE;
	case PHASE_RTO:
		return RESUME_TRIGGER_RTO;
	case PHASE_MTU:
		return RESUME_TRIGGER_PATH_CHANGED;
	case PHASE_LOCAL:
		return RESUME_TRIGGER_LOCAL_CONGESTION;
	default:
		return RESUME_TRIGGER_PACKET_LOSS;
	}
}

static __always_inline void phase_congestion(struct phase *ph, struct phase_io *io)
{
	enum resume_trigger trigger = phase_cause(io->input);

	if (ph->now == RESUME_PHASE_SAFE_RETREAT && io->input != PHASE_RTO)
		return; /* already reduced */
	if (!phase_unproven(ph)) {
		phase_to(ph, io, RESUME_PHASE_NORMAL, trigger);
		return;
	}
	if (io->input != PHASE_RTO) {
		phase_retreat(ph, io, trigger);
		return;
	}
	phase_leave(ph, io, trigger);
	io->ssthresh = at_least(ph->pipe / 2, 2 * io->mss);
}

/* io->trigger tells whether the phase changed; io->cwnd and io->ssthresh what to write. */
static __always_inline void phase_step(struct phase *ph, struct phase_io *io)
{
	io->trigger = RESUME_TRIGGER_NONE;
	io->ssthresh = 0;
	if (ph->now == RESUME_PHASE_NORMAL || ph->now == RESUME_PHASE_EXACT)
		return;
	if (io->input >= PHASE_LOSS) {
		phase_congestion(ph, io);
		return;
	}
	if (ph->now == RESUME_PHASE_RECONNAISSANCE) {
		phase_reconnaissance(ph, io);
		return;
	}
	if (io->input != PHASE_ACK)
		return;
	if (ph->now == RESUME_PHASE_UNVALIDATED && !phase_rtt_confirmed(ph, io))
		phase_retreat(ph, io, RESUME_TRIGGER_PATH_CHANGED);
	else if (ph->now == RESUME_PHASE_UNVALIDATED)
		phase_unvalidated(ph, io);
	else if (ph->now == RESUME_PHASE_VALIDATING)
		phase_validating(ph, io);
	else if (ph->now == RESUME_PHASE_FILLING)
		phase_filling(ph, io);
	else
		phase_safe_retreat(ph, io);
}

#endif
