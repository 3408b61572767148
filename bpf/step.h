/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the step function of phase.h works on: what is kept, what is seen, what is to be done. */
#ifndef RESUME_STEP_H
#define RESUME_STEP_H

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
	PHASE_MTU, /* repaired as a loss is, but it was the path's MTU that fell */
	PHASE_LOCAL, /* a drop in a queue of this host, which says nothing of the path */
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
	__u32 cold; /* what slow start without the jump would have reached, doubled each round */
	__u32 round_end; /* of one round trip since the jump */
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
	__u32 clamp; /* no window of the socket may be larger */
	__u32 delivered; /* since the connection began; wraps */
	__u32 acked; /* since the look before this */
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

#endif
