/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The seal of an entry: one word over its key and its fields; claim.h says what for. */
#ifndef RESUME_SEAL_H
#define RESUME_SEAL_H

#include <bpf/bpf_helpers.h>

#include "layout.h"

static __always_inline __u64 seal_word(__u64 seal, __u64 word)
{
	seal = (seal ^ word) * 0x9e3779b97f4a7c15ULL;
	return seal ^ (seal >> 32);
}

/* Not a secret: it guards against races, not against whoever may write the map. */
static __always_inline __u64 path_seal(const struct resume_peer *peer,
				       const struct resume_path *path)
{
	const __u64 *key = (const __u64 *)peer, *sealed = &path->claim + 1;
	__u64 seal = seal_word(seal_word(seal_word(1, key[0]), key[1]), key[2]);

#pragma unroll
	for (int i = 0; i < RESUME_SEALED_WORDS; i++)
		seal = seal_word(seal, sealed[i]);
	return seal | RESUME_FREE;
}

#endif
