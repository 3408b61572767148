/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RFC 9959 Careful Resume as one pure step function: no map, no helper, no
 * socket. What a connection shows goes in, what is to be done comes out, so the
 * same code runs around CUBIC, Reno and BBR, and under the RFC's vectors in a
 * test. Sections in the comments are the RFC's. Windows are bytes.
 */
#ifndef RESUME_PHASE_H
#define RESUME_PHASE_H

#include <stdbool.h>

#include <bpf/bpf_helpers.h>

#include "layout.h"

/* What happened; congestion ends or turns every phase, whatever else is seen. */
enum phase_input {
	PHASE_SEND, /* the stack is about to send, data is waiting */
	PHASE_ACK, /* an ACK was processed, no loss is being repaired */
	PHASE_LOSS,
	PHASE_ECN,
	PHASE_RTO,
};

/* State of one connection; fixed by the saved set first, then by the phases. */
struct phase {
	enum resume_phase now;
	enum resume_limit limit;
	__u32 saved_cwnd;
	__u32 saved_rtt_us;
	__u32 max_jump; /* 0: no limit */
	__u32 rtt_low_percent;
	__u32 rtt_high_percent;
	__u32 initial_seen; /* initial_end is set */
	__u32 initial_end; /* the data that must be acknowledged before the jump */
	__u32 first_unvalidated;
	__u32 last_unvalidated;
	__u32 jump;
	__u32 pipe; /* PipeSize */
	__u32 flight_before; /* at the jump */
	__u32 cwnd_before;
	__u32 delivered_before;
	__u32 entered_us; /* the jump; then the retreat */
	__u32 round_end; /* of one round trip while FILLING */
	__u32 round_min_us;
	__u32 round_samples;
	__u32 base_rtt_us;
	__u32 credit; /* acknowledged, not yet turned into growth */
	__u32 open; /* a look at the delay allowed FILLING to grow */
};

struct phase_io {
	/* what is seen */
	enum phase_input input;
	__u32 mss;
	__u32 initial_window;
	__u32 snd_una;
	__u32 snd_nxt;
	__u32 waiting; /* written by the application, not sent */
	__u32 flight;
	__u32 cwnd; /* in: the present one; out: what it becomes */
	__u32 receiver_window;
	__u32 delivered; /* since the connection began; wraps */
	__u32 acked; /* by this ACK */
	__u32 rtt_us; /* this ACK's sample, 0 without one */
	__u32 srtt_us;
	__u32 min_rtt_us;
	__u32 now_us; /* wraps */
	__u32 newest_acked_us; /* when the most recently sent of the delivered packets left; wraps
				*/
	/* what is to be done */
	__u32 ssthresh; /* 0: as it is */
	enum resume_trigger trigger; /* not NONE: the phase changed */
};

#define FILLING_SAMPLES 8 /* RFC 9406 4.2 N_RTT_SAMPLE */
#define FILLING_DIVISOR 4 /* RFC 9406 4.2 CSS_GROWTH_DIVISOR */
#define FILLING_MIN_US 4000 /* MIN_RTT_THRESH */
#define FILLING_MAX_US 16000 /* MAX_RTT_THRESH */

static __always_inline bool seq_after(__u32 a, __u32 b)
{
	return (__s32)(a - b) > 0;
}

static __always_inline __u32 at_least(__u32 a, __u32 b)
{
	return a > b ? a : b;
}

static __always_inline __u32 at_most(__u32 a, __u32 b)
{
	return a < b ? a : b;
}

/* Windows near 4 GiB stay there instead of wrapping. */
static __always_inline __u32 plus(__u32 a, __u32 b)
{
	return a + b < a ? ~0U : a + b;
}

static __always_inline void phase_to(struct phase *ph, struct phase_io *io, enum resume_phase next,
				     enum resume_trigger trigger)
{
	ph->now = next;
	io->trigger = trigger;
}

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
	return jump;
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
	if (jump < 2 * (__u64)io->cwnd) {
		phase_to(ph, io, RESUME_PHASE_NORMAL, RESUME_TRIGGER_NO_GAIN);
		return;
	}
	ph->jump = jump;
	ph->pipe = ph->flight_before = io->flight;
	ph->cwnd_before = io->cwnd;
	ph->delivered_before = io->delivered;
	ph->first_unvalidated = io->snd_nxt;
	ph->entered_us = io->now_us;
	io->cwnd = jump;
	phase_to(ph, io, RESUME_PHASE_UNVALIDATED, RESUME_TRIGGER_CONGESTION_WINDOW_LIMITED);
}

static __always_inline void phase_unvalidated(struct phase *ph, struct phase_io *io)
{
	enum resume_trigger trigger;

	phase_measure(ph, io);
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
		io->cwnd = at_least(ph->pipe, phase_floor(ph, io));
		phase_to(ph, io, RESUME_PHASE_NORMAL, RESUME_TRIGGER_RATE_LIMITED);
		return;
	}
	io->cwnd = at_least(io->flight, phase_floor(ph, io));
	phase_to(ph, io, RESUME_PHASE_VALIDATING, trigger);
}

/* 3.4 lets the window grow here; measured, that overruns a shallow queue. It is held. */
static __always_inline void phase_validating(struct phase *ph, struct phase_io *io)
{
	phase_measure(ph, io);
	io->cwnd = at_least(io->cwnd, phase_floor(ph, io));
	if (seq_after(ph->last_unvalidated, io->snd_una))
		return;
	ph->base_rtt_us = io->min_rtt_us;
	ph->round_end = io->snd_nxt;
	ph->round_min_us = ~0U;
	ph->round_samples = 0;
	ph->credit = 0;
	ph->open = 0;
	phase_to(ph, io, RESUME_PHASE_FILLING, RESUME_TRIGGER_LAST_UNVALIDATED_PACKET_ACKNOWLEDGED);
}

/*
 * Normal congestion control short of the pipe: slow start up to the saved
 * window, above it the conservative slow start of RFC 9406, until the round's
 * delay rises. HyStart is kept out: to it the paced train is a full pipe. The
 * first look comes before the first growth: the jump may have filled the queue.
 */
static __always_inline void phase_filling(struct phase *ph, struct phase_io *io)
{
	__u32 rise = at_most(at_least(ph->base_rtt_us / 8, FILLING_MIN_US), FILLING_MAX_US);

	if (io->rtt_us) {
		ph->round_min_us = at_most(ph->round_min_us, io->rtt_us);
		ph->round_samples++;
	}
	if (ph->round_samples >= FILLING_SAMPLES && ph->round_min_us > ph->base_rtt_us + rise) {
		io->ssthresh = io->cwnd;
		phase_to(ph, io, RESUME_PHASE_NORMAL, RESUME_TRIGGER_PIPE_FULL);
		return;
	}
	if (ph->round_samples >= FILLING_SAMPLES)
		ph->open = 1;
	if (seq_after(io->snd_una, ph->round_end)) {
		ph->round_end = io->snd_nxt;
		ph->round_min_us = ~0U;
		ph->round_samples = 0;
		ph->open = 1;
	}
	if ((__u64)io->flight + io->acked + 3 * io->mss < io->cwnd / 2)
		return; /* the window is not used */
	ph->credit += io->acked;
	if (!ph->open)
		return;
	if (io->cwnd < ph->saved_cwnd) {
		io->cwnd = plus(io->cwnd, ph->credit);
		ph->credit = 0;
		return;
	}
	io->cwnd = plus(io->cwnd, ph->credit / FILLING_DIVISOR / io->mss * io->mss);
	ph->credit %= FILLING_DIVISOR * io->mss;
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

static __always_inline void phase_congestion(struct phase *ph, struct phase_io *io)
{
	enum resume_trigger trigger = RESUME_TRIGGER_PACKET_LOSS;

	if (io->input == PHASE_ECN)
		trigger = RESUME_TRIGGER_ECN_CE;
	if (io->input == PHASE_RTO)
		trigger = RESUME_TRIGGER_RTO;
	if (ph->now == RESUME_PHASE_SAFE_RETREAT && io->input != PHASE_RTO)
		return; /* already reduced */
	if (io->input == PHASE_RTO && ph->now != RESUME_PHASE_RECONNAISSANCE) {
		if (ph->now != RESUME_PHASE_FILLING) {
			phase_measure(ph, io);
			io->ssthresh = at_least(ph->pipe / 2, 2 * io->mss);
		}
		phase_to(ph, io, RESUME_PHASE_NORMAL, trigger);
		return;
	}
	if (ph->now == RESUME_PHASE_UNVALIDATED || ph->now == RESUME_PHASE_VALIDATING)
		phase_retreat(ph, io, trigger);
	else
		phase_to(ph, io, RESUME_PHASE_NORMAL, trigger);
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
