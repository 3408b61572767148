/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counting. The memory is each CPU's own, yet the additions are atomic: what
 * runs in a process is interrupted by what runs in softirq, and since programs
 * may be preempted, by another process.
 */
#ifndef RESUME_STATS_H
#define RESUME_STATS_H

#include "maps.h"

#define stats_add(counter, n)                                                                      \
	({                                                                                         \
		__u32 _zero = 0;                                                                   \
		struct resume_stats *_stats = bpf_map_lookup_elem(&resume_stats, &_zero);          \
		if (_stats)                                                                        \
			__sync_fetch_and_add(&_stats->counter, n);                                 \
	})

#define stats_count(counter) stats_add(counter, 1)

/* One of an array of `slots`. The compiler knows the range where the verifier does not, and would
 * drop the modulo. */
#define stats_slot(array, index, slots)                                                            \
	({                                                                                         \
		__u32 _index = index;                                                              \
		barrier_var(_index);                                                               \
		stats_count(array[_index % (slots)]);                                              \
	})

#define stats_verdict(group, verdict) stats_slot(group, verdict, RESUME_VERDICT_SLOTS)
#define stats_trigger(trigger) stats_slot(triggers, trigger, RESUME_TRIGGER_SLOTS)

#endif
