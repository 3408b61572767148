/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef RESUME_STATS_H
#define RESUME_STATS_H

#include "maps.h"

/* Per-CPU memory: a plain increment is enough, programs of one CPU do not preempt each other here.
 */
#define stats_count(counter)                                                                       \
	({                                                                                         \
		__u32 _zero = 0;                                                                   \
		struct resume_stats *_stats = bpf_map_lookup_elem(&resume_stats, &_zero);          \
		if (_stats)                                                                        \
			_stats->counter++;                                                         \
	})

#endif
