/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the operator allows for a peer, and the key that follows from it. */
#ifndef RESUME_POLICY_H
#define RESUME_POLICY_H

#include "age.h"
#include "defaults.h"
#include "maps.h"
#include "peer.h"

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
	return policy->learn ? policy->lifetime_s * SECOND_NS : 0;
}

#define INITIAL_SEGMENTS 10 /* RFC 6928 */

static __always_inline __u32 capped(__u32 bytes, __u32 cap)
{
	return cap && bytes > cap ? cap : bytes;
}

/*
 * Until when an entry may be used, whoever wrote it: to its own expiry, and no
 * longer than the policy's lifetime after the path was seen. 0 if that lies
 * ahead, as no lifetime could be counted from there.
 */
static __always_inline __u64 path_deadline(const struct resume_policy *policy,
					   const struct resume_path *path)
{
	__u64 deadline = path->stored_ns + policy->lifetime_s * SECOND_NS;

	if (path->stored_ns > bpf_ktime_get_boot_ns() + RESUME_BOUND_SKEW_MS * 1000000ULL)
		return 0;
	return deadline < path->expires_ns ? deadline : path->expires_ns;
}

static __always_inline bool path_expired(const struct resume_policy *policy,
					 const struct resume_path *path)
{
	return bpf_ktime_get_boot_ns() >= path_deadline(policy, path);
}

/* Each retreat of the path since a use of it succeeded halves what the next one may use. */
static __always_inline __u32 halved(__u32 bytes, __u32 retreats)
{
	return bytes >> (retreats < 31 ? retreats : 31);
}

/* The most that careful may jump to, before the connection itself is looked at. */
static __always_inline __u32 path_jump(const struct resume_policy *policy,
				       const struct resume_path *path)
{
	return halved(capped(path->cwnd_bytes / 2, policy->max_jump_bytes), path->retreats);
}

/* The window of mode exact: halved no further than to where every connection starts. */
static __always_inline __u32 path_exact(const struct resume_path *path, __u32 mss)
{
	__u32 least = INITIAL_SEGMENTS * mss, window = halved(path->cwnd_bytes, path->retreats);

	return window < least ? capped(path->cwnd_bytes, least) : window;
}

#endif
