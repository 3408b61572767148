/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What is remembered of one resuming connection, in the storage of its socket. */
#ifndef RESUME_CONN_H
#define RESUME_CONN_H

#include "layout.h"

struct resume_conn {
	struct resume_peer peer; /* the key that was claimed */
	__u64 claim; /* the seal to put back if the claim is returned; 0: shared */
	__u64 pacing_rate; /* bytes/s while the stored window leaves; 0: not paced */
	__u32 snd_cwnd; /* the stored windows in segments of this socket */
	__u32 snd_ssthresh;
	__u32 paced_by_us; /* sk_pacing_status was NONE before */
	__u32 unused;
	struct resume_event
		event; /* who and from what; each event sent is a copy, brought up to date */
};

#endif
