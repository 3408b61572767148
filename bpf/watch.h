/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What becomes of resumed connections: retransmissions and resets. Tracepoints,
 * because that is what bpfman loads and attaches by itself; the first of these
 * programs is its companion in our name, over whose maps the rest is loaded.
 *
 * A tracepoint sees the socket's address only, so the socket is known by its
 * cookie. Nothing else depends on these programs being attached.
 */
#ifndef RESUME_WATCH_H
#define RESUME_WATCH_H

#include "maps.h"
#include "stats.h"

/* The head of the kernel's record, the same since Linux 4.16; see events/tcp in tracefs. */
struct trace_of_skb {
	__u64 common;
	struct sk_buff *skb;
	struct sock *sk; /* NULL: a reset that answers no connection */
};

struct trace_of_sock {
	__u64 common;
	struct sock *sk;
};

static __always_inline bool watched(struct sock *sk)
{
	__u64 cookie = 0;

	if (sk)
		cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	return cookie && bpf_map_lookup_elem(&resume_alive, &cookie);
}

/* The buffers that the stack sends again hold several segments each. */
static __always_inline __u32 segments_of(struct sk_buff *skb)
{
	struct tcp_skb_cb *cb = (void *)__builtin_preserve_access_index(&skb->cb);

	return BPF_CORE_READ(cb, tcp_gso_segs);
}

/* A socket that connects a second time is another connection under the same cookie. */
static __always_inline void watch_anew(struct bpf_sock *sk)
{
	struct sock *full = (struct sock *)bpf_skc_to_tcp_sock(sk);
	__u64 cookie = full ? full->__sk_common.skc_cookie.counter : 0;

	if (cookie) /* most sockets have none until somebody asks */
		bpf_map_delete_elem(&resume_alive, &cookie);
}

#endif
