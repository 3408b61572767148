/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the operator allows for a peer, and the key that follows from it. */
#ifndef RESUME_POLICY_H
#define RESUME_POLICY_H

#include "maps.h"
#include "peer.h"

/* In force where no prefix matches, so that the program is complete without user space. */
static __always_inline void policy_default(struct resume_policy *policy)
{
	__builtin_memset(policy, 0, sizeof(*policy));
	policy->max_jump_bytes = 1 << 20;
	policy->lifetime_s = 600;
	policy->mode = RESUME_MODE_CAREFUL;
	policy->sharing = RESUME_SHARING_SINGLE;
	policy->key_bits_v4 = 32;
	policy->key_bits_v6 = 128;
	policy->learn = 1;
	policy->rtt_low_percent = 50;
	policy->rtt_high_percent = 1000;
}

static __always_inline void policy_for(const __u8 addr[16], struct resume_policy *policy)
{
	struct resume_policy_key key = {.prefix_len = 128};
	struct resume_policy *found;

	__builtin_memcpy(key.addr, addr, sizeof(key.addr));
	found = bpf_map_lookup_elem(&resume_policy, &key);
	if (found)
		*policy = *found;
	else
		policy_default(policy);
}

static __always_inline void peer_key(struct resume_peer *peer, const __u8 addr[16],
				     const struct resume_policy *policy, __u64 netns)
{
	__u32 bits = addr_is_v4(addr) ? 96 + policy->key_bits_v4 : policy->key_bits_v6;

	__builtin_memcpy(peer->addr, addr, sizeof(peer->addr));
	addr_mask(peer->addr, bits);
	peer->scope = policy->scope == RESUME_SCOPE_NETNS ? netns : 0;
}

/* How long what is learnt lasts; 0: nothing is learnt. */
static __always_inline __u64 policy_learn_ns(const struct resume_policy *policy)
{
	return policy->learn ? policy->lifetime_s * 1000000000ULL : 0;
}

static __always_inline __u32 capped(__u32 bytes, __u32 cap)
{
	return cap && bytes > cap ? cap : bytes;
}

#endif
