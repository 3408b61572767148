/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is remembered of a connection, in the storage of its socket. */
#ifndef RESUME_CONN_H
#define RESUME_CONN_H

#include "layout.h"
#include "phase.h"

enum resume_retreated { RETREATED_NEVER = 0, RETREATED_IN_REPAIR, RETREATED_AND_REPAIRED };

/* One that was resumed. */
struct resume_conn {
	struct resume_peer peer; /* the key of the entry */
	struct resume_peer path; /* by address: of all its connections one jumps at a time */
	__u64 claim; /* careful: the seal of the entry as read; exact: as claimed, 0 if shared */
	__u64 pacing_rate; /* bytes/s while a window leaves that nothing clocks; 0: not paced */
	__u64 sent_before; /* bytes, when the state was given */
	__u64 learn_ns; /* the policy's lifetime of what is learnt; 0: nothing is */
	__u64 path_deadline_ns; /* careful: the entry's expiry, checked again at the jump */
	__u64 acked_before; /* bytes acknowledged at the latest look */
	__u64 ece_at; /* when the latest ACK with an ECN echo came, by tcp_mstamp */
	__u32 held; /* bytes: the window that the phases hold */
	__u32 max_cwnd; /* bytes: no fresher entry may bring more; 0: as the policy says */
	__u32 closed; /* settled, counted and told */
	__u32 rtt_us; /* of the ACK at hand, 0 without a sample */
	enum resume_trigger outcome; /* of the use so far */
	__u32 paced_by_us; /* sk_pacing_status was NONE before */
	enum resume_retreated retreated;
	__u32 undo_end; /* the stack believes in a window to undo to until this is acknowledged */
	__u32 claimed; /* careful: the entry and the path's jump are this connection's */
	enum resume_trigger joined; /* a live connection: why, until its wrapper has started */
	struct phase ph;
	struct resume_event
		event; /* who and from what; each event sent is a copy, brought up to date */
};

/* The most that was delivered in a round trip, and the path's round-trip time of then. */
struct resume_best {
	__u64 at_ns;
	__u32 window; /* bytes */
	__u32 rtt_us;
};

/* One that is observed (RFC 9959 3.1). */
struct resume_observation {
	__u64 at_ns; /* of the last round */
	__u64 delivered; /* bytes, by then */
	__u64 turn_ns; /* when `recent` becomes `older`, after half of the policy's lifetime */
	__u64 half_ns;
	struct resume_best recent, older;
};

#endif
