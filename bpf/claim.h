/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading and claiming an entry that others rewrite at the same time.
 *
 * An update of an LRU hash writes a new element and recycles the old one's
 * memory at once, so a looked-up pointer may show half of an entry, or a whole
 * entry of another peer. The seal settles both: it is computed over the key and
 * the value's fields, so a copy that verifies is whole and belongs to the key,
 * whatever the order in which the bytes arrived. The same word is what a claim
 * swaps: the exchange succeeds only while the very entry that was read stands.
 */
#ifndef RESUME_CLAIM_H
#define RESUME_CLAIM_H

#include "age.h"
#include "maps.h"
#include "seal.h"

#define CLAIM_TRIES 4

enum claim_view { CLAIM_NONE, CLAIM_FREE, CLAIM_TAKEN, CLAIM_SPENT, CLAIM_UNSTABLE };

/* True if this caller, and nobody else, turned the claim word from `from` into `to`. */
static __always_inline bool claim_swap(struct resume_path *entry, __u64 from, __u64 to)
{
	return __sync_val_compare_and_swap(&entry->claim, from, to) == from;
}

/* Takes a free entry; the time first, so that the claim is never seen without it. */
static __always_inline bool claim_take(struct resume_path *entry, __u64 free, __u64 cookie)
{
	*(volatile __u32 *)&entry->claimed_s = bpf_ktime_get_boot_ns() / SECOND_NS;
	return claim_swap(entry, free, cookie);
}

/* Ends a claim whose holder is not expected back, as pathstore's Settle does. */
static __always_inline void claim_void(const struct resume_peer *peer,
				       const struct resume_path *copy, struct resume_path *entry)
{
	claim_swap(entry, copy->claim,
		   copy->mode == RESUME_MODE_CAREFUL ? path_seal(peer, copy) : RESUME_SPENT);
}

/* Copies the peer's entry into `copy` and says what its claim word means. */
static __always_inline enum claim_view
claim_read(const struct resume_peer *peer, struct resume_path *copy, struct resume_path **entry)
{
	for (int try = 0; try < CLAIM_TRIES; try++) {
		struct resume_path *path = bpf_map_lookup_elem(&resume_paths, peer);
		volatile __u64 *from = (volatile __u64 *)path;
		__u64 *to = (__u64 *)copy;

		if (!path)
			return CLAIM_NONE;
#pragma unroll
		for (int i = 0; i < sizeof(*copy) / sizeof(*to); i++)
			to[i] = from[i];
		*entry = path;
		if (copy->claim == path_seal(peer, copy))
			return CLAIM_FREE;
		/* A cookie in recycled memory may be another peer's: only a stable look-up tells.
		 */
		if (copy->claim & RESUME_FREE || bpf_map_lookup_elem(&resume_paths, peer) != path ||
		    *from != copy->claim)
			continue;
		if (copy->claim == RESUME_SPENT)
			return CLAIM_SPENT;
		if (!older_than(copy->claimed_s * SECOND_NS, RESUME_BOUND_CLAIM_S))
			return CLAIM_TAKEN;
		claim_void(peer, copy, path);
	}
	return CLAIM_UNSTABLE;
}

#endif
