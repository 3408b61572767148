/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One record per phase change and one when the connection closes. */
#ifndef RESUME_EVENT_H
#define RESUME_EVENT_H

#include "stats.h"

static __always_inline void event_emit(struct resume_conn *conn, const struct tcp_sock *tp,
				       enum resume_event_kind kind, enum resume_trigger trigger)
{
	struct resume_event *event = bpf_ringbuf_reserve(&resume_events, sizeof(*event), 0);

	stats_trigger(trigger);
	if (!event) {
		stats_count(events_lost);
		return;
	}
	*event = conn->event;
	event->at_ns = bpf_ktime_get_boot_ns();
	event->kind = kind;
	event->trigger = trigger;
	event->bytes_acked = tp->bytes_acked;
	event->bytes_sent = tp->bytes_sent;
	event->snd_cwnd = tp->snd_cwnd;
	event->snd_ssthresh = tp->snd_ssthresh;
	event->mss = tp->mss_cache;
	event->srtt_us = tp->srtt_us >> 3;
	event->min_rtt_us = tp->rtt_min.s[0].v;
	event->retransmits = tp->total_retrans;
	event->lost = tp->lost;
	event->phase = conn->ph.now;
	event->limit = conn->ph.limit;
	event->pipe_bytes = conn->ph.pipe;
	event->jump_bytes = conn->ph.jump;
	event->first_unvalidated = conn->ph.first_unvalidated;
	event->last_unvalidated = conn->ph.last_unvalidated;
	/* Readers look by themselves: a wake-up costs this connection several times the rest. */
	bpf_ringbuf_submit(event, BPF_RB_NO_WAKEUP);
}

#endif
