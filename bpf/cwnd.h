/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Between the kernel's windows, in segments, and ours, in bytes. The size of a
 * segment changes while a connection lives (path MTU discovery and probing), and
 * a segment need not be full, so segments are made when a window is written and
 * bytes are counted by the kernel's own counters.
 */
#ifndef RESUME_CWND_H
#define RESUME_CWND_H

#include "kernel.h"
#include "phase.h"

/* `cwnd lock` of a route and the kernel's own bound: no window is ever written above it. */
static __always_inline __u32 cwnd_clamp_bytes(const struct tcp_sock *tp)
{
	return at_most(tp->snd_cwnd_clamp, ~0U / tp->mss_cache) * tp->mss_cache;
}

static __always_inline __u32 cwnd_bounded(const struct tcp_sock *tp, __u32 bytes)
{
	return at_most(bytes, cwnd_clamp_bytes(tp));
}

static __always_inline __u32 cwnd_segments(const struct tcp_sock *tp, __u32 bytes)
{
	return at_most(at_least(bytes / tp->mss_cache, 1), tp->snd_cwnd_clamp);
}

static __always_inline __u32 cwnd_bytes(const struct tcp_sock *tp)
{
	return at_most(tp->snd_cwnd, ~0U / tp->mss_cache) * tp->mss_cache;
}

static __always_inline void cwnd_write(struct tcp_sock *tp, __u32 bytes)
{
	tp->snd_cwnd = cwnd_segments(tp, bytes);
}

static __always_inline void ssthresh_write(struct tcp_sock *tp, __u32 bytes)
{
	tp->snd_ssthresh = at_least(bytes / tp->mss_cache, 2);
}

static __always_inline __u32 segments_in_flight(const struct tcp_sock *tp)
{
	return tp->packets_out - tp->sacked_out - tp->lost_out + tp->retrans_out;
}

/* Segments that are not full are many and little: never more than what lies between the numbers. */
static __always_inline __u32 bytes_of_segments(const struct tcp_sock *tp, __u32 segments)
{
	__u32 una = tp->snd_una;

	barrier_var(una);
	return at_most(segments * tp->mss_cache, tp->snd_nxt - una);
}

static __always_inline __u32 bytes_in_flight(const struct tcp_sock *tp)
{
	return bytes_of_segments(tp, segments_in_flight(tp));
}

/* Acknowledged, selectively or not. Never falls below what it was when nothing was sacked. */
static __always_inline __u64 bytes_delivered(const struct tcp_sock *tp)
{
	return tp->bytes_acked + bytes_of_segments(tp, tp->sacked_out);
}

#endif
