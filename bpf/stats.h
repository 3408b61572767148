/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RESUME_STATS_H
#define RESUME_STATS_H

#include "maps.h"

/* Per-CPU memory: a plain increment is enough, programs of one CPU do not preempt each other here.
 */
#define stats_count(counter) stats_add(counter, 1)

#define stats_add(counter, n)                                                                      \
	({                                                                                         \
		__u32 _zero = 0;                                                                   \
		struct resume_stats *_stats = bpf_map_lookup_elem(&resume_stats, &_zero);          \
		if (_stats)                                                                        \
			_stats->counter += (n);                                                    \
	})

/* Atomic, because these programs run in processes, which the others preempt. */
#define stats_verdict(group, verdict)                                                              \
	({                                                                                         \
		__u32 _zero = 0, _verdict = verdict;                                               \
		struct resume_stats *_stats = bpf_map_lookup_elem(&resume_stats, &_zero);          \
		barrier_var(_verdict);                                                             \
		if (_stats)                                                                        \
			__sync_fetch_and_add(&_stats->group[_verdict % RESUME_VERDICT_SLOTS], 1);  \
	})

static __always_inline void stats_trigger(__u32 trigger)
{
	__u32 zero = 0;
	struct resume_stats *stats = bpf_map_lookup_elem(&resume_stats, &zero);

	/* The compiler knows the range where the verifier does not, and would drop the modulo. */
	barrier_var(trigger);
	if (stats)
		stats->triggers[trigger % RESUME_TRIGGER_SLOTS]++;
}

#endif
