/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a connection was seen to carry. Old evidence is not believed: the best of
 * the present half of a lifetime is kept beside the best of the half before, so
 * what is saved at the end was seen within one lifetime, as far as there is any.
 */
#ifndef RESUME_OBSERVE_H
#define RESUME_OBSERVE_H

#include "conn.h"

static __always_inline void observe_begin(struct resume_observation *seen, __u64 delivered,
					  __u64 lifetime_ns, __u64 now)
{
	seen->at_ns = now;
	seen->delivered = delivered;
	seen->half_ns = lifetime_ns / 2;
	seen->turn_ns = now + seen->half_ns;
}

static __always_inline void observe_best(struct resume_observation *seen, __u32 window,
					 __u32 rtt_us, __u64 now)
{
	if (now >= seen->turn_ns) {
		seen->older = seen->recent;
		seen->recent.window = 0;
		seen->turn_ns = now + seen->half_ns;
	}
	if (window < seen->recent.window)
		return;
	seen->recent.window = window;
	seen->recent.rtt_us = rtt_us;
	seen->recent.at_ns = now;
}

/* A path that was proven wrong teaches nothing that was seen before. */
static __always_inline void observe_nothing(struct resume_observation *seen)
{
	seen->recent.window = 0;
	seen->older.window = 0;
}

/* The better of the two halves; its window is 0 where nothing was seen for a lifetime. */
static __always_inline struct resume_best observed(const struct resume_observation *seen,
						   __u64 lifetime_ns, __u64 now)
{
	struct resume_best best = seen->recent;

	/* Ages, not times: a machine that booted a moment ago has none that long ago. */
	if (now - seen->older.at_ns < lifetime_ns && seen->older.window > best.window)
		best = seen->older;
	if (now - best.at_ns >= lifetime_ns)
		best.window = 0;
	return best;
}

#endif
