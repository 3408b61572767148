/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The key of a peer. remote_ip6 serves every family: IPv4 arrives there as
 * ::ffff:a.b.c.d, also on dual-stack listeners, where remote_ip4 and family
 * would mislead (for IPv6 peers remote_ip4 is a constant).
 */
#ifndef RESUME_PEER_H
#define RESUME_PEER_H

#include "kernel.h"
#include "layout.h"

/* Volatile, because the context allows only loads of exactly four bytes. */
#define ctx_u32(field) (*(volatile __u32 *)&(field))

static __always_inline void addr_copy(__u8 to[16], volatile __u32 *from)
{
	__u32 *words = (__u32 *)to;

	words[0] = from[0];
	words[1] = from[1];
	words[2] = from[2];
	words[3] = from[3];
}

static __always_inline bool addr_is_v4(const __u8 addr[16])
{
	const __u32 *words = (const __u32 *)addr;

	return !words[0] && !words[1] && words[2] == bpf_htonl(0xffff);
}

static __always_inline bool addr_is_loopback(const __u8 addr[16])
{
	const __u32 *words = (const __u32 *)addr;

	if (addr_is_v4(addr))
		return addr[12] == 127;
	return !words[0] && !words[1] && !words[2] && words[3] == bpf_htonl(1);
}

/* Keeps the first `bits` of an address. */
static __always_inline void addr_mask(__u8 addr[16], __u32 bits)
{
	__u32 *words = (__u32 *)addr;

#pragma unroll
	for (int i = 0; i < 4; i++) {
		__u32 keep = bits > 32 * i ? bits - 32 * i : 0;

		if (keep < 32)
			words[i] &= bpf_htonl(keep ? ~0U << (32 - keep) : 0);
	}
}

#endif
