/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The one place where the phase of a connection changes, is counted and is told. */
#ifndef RESUME_PHASE_H
#define RESUME_PHASE_H

#include "event.h"

static __always_inline void phase_count(enum resume_trigger trigger)
{
	switch (trigger) {
	case RESUME_TRIGGER_WINDOW_SENT:
		stats_count(window_sent);
		break;
	case RESUME_TRIGGER_PACKET_LOSS:
		stats_count(packet_loss);
		break;
	case RESUME_TRIGGER_ECN_CE:
		stats_count(ecn_ce);
		break;
	case RESUME_TRIGGER_RTO:
		stats_count(rto);
		break;
	case RESUME_TRIGGER_REPLACED:
		stats_count(replaced);
		break;
	default:
		break;
	}
}

static __always_inline void phase_enter(struct resume_conn *conn, const struct tcp_sock *tp,
					enum resume_phase phase, enum resume_trigger trigger)
{
	conn->event.old_phase = conn->event.phase;
	conn->event.phase = phase;
	phase_count(trigger);
	event_emit(conn, tp, RESUME_EVENT_PHASE, trigger);
}

#endif
