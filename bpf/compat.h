/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The entry of last resort, from the maps of the original fallback system:
 * u32 key 0, bytes. An application written against them works unchanged. The
 * values are one state for every peer, so they are taken exactly and shared,
 * and the maps are left as they were found.
 */
#ifndef RESUME_COMPAT_H
#define RESUME_COMPAT_H

#include "maps.h"

static __always_inline __u32 dropin_value(void *map)
{
	__u32 zero = 0, *value = bpf_map_lookup_elem(map, &zero);

	return value ? *(volatile __u32 *)value : 0;
}

static __always_inline bool dropin_read(const struct resume_policy *policy,
					struct resume_path *path)
{
	if (policy->dropin == RESUME_DROPIN_NEVER)
		return false;
	if (policy->dropin == RESUME_DROPIN_FALLBACK && !dropin_value(&FallbackMap))
		return false;
	__builtin_memset(path, 0, sizeof(*path));
	path->cwnd_bytes = dropin_value(&CwndMap);
	path->ssthresh_bytes = dropin_value(&SSThreshMap);
	path->mode = RESUME_MODE_EXACT;
	path->sharing = RESUME_SHARING_SHARED;
	path->source = RESUME_SOURCE_DROPIN;
	return path->cwnd_bytes != 0;
}

#endif
