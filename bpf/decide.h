/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The end of Reconnaissance: which entry it is decided by, and whether the jump is this
 * connection's. */
#ifndef RESUME_DECIDE_H
#define RESUME_DECIDE_H

#include "owner.h"

/*
 * An entry that was stored since the connection read its own takes that one's
 * place: a server may report the path every second. Not what an application
 * asked with for another connection of its own.
 */
static __always_inline enum resume_trigger owner_renew(struct resume_conn *conn,
						       struct resume_path *fresh)
{
	struct resume_policy policy;

	if (conn->peer.scope != RESUME_SCOPE_TOKEN && conn->peer.scope & RESUME_SCOPE_ASKED)
		return RESUME_TRIGGER_IN_USE_ELSEWHERE;
	policy_for(conn->event.peer_addr, &policy);
	if (policy.mode == RESUME_MODE_OFF || fresh->mode == RESUME_MODE_OFF)
		return RESUME_TRIGGER_TURNED_OFF;
	fresh->cwnd_bytes = capped(fresh->cwnd_bytes, policy.max_cwnd_bytes);
	fresh->cwnd_bytes = capped(fresh->cwnd_bytes, conn->max_cwnd);
	fresh->ssthresh_bytes = capped(fresh->ssthresh_bytes, policy.max_ssthresh_bytes);
	owner_set(conn, &policy, fresh);
	return RESUME_TRIGGER_NONE;
}

/*
 * Reconnaissance has come to a decision: it is made by the freshest entry, and
 * a jump needs entry and path. Windows of io are bytes; `cwnd` is the one
 * before the decision. A function of its own for its stack; it returns what is
 * to become of io->trigger, as the verifier wants a number there.
 */
static __noinline enum resume_trigger owner_decide(struct resume_conn *conn, struct phase_io *io,
						   __u32 cwnd, __u64 lease_ns)
{
	enum resume_trigger refused = RESUME_TRIGGER_IN_USE_ELSEWHERE;
	struct resume_path path, *entry = NULL;
	enum claim_view view = claim_read(&conn->peer, &path, &entry);

	if (view == CLAIM_FREE && path.claim != conn->claim) {
		refused = owner_renew(conn, &path);
		if (!refused) {
			conn->ph.now = RESUME_PHASE_RECONNAISSANCE;
			io->cwnd = cwnd;
			phase_reconnaissance(&conn->ph, io);
		}
	} else if (view == CLAIM_FREE) {
		refused = RESUME_TRIGGER_NONE;
	} else if (view == CLAIM_NONE) {
		refused = RESUME_TRIGGER_FORGOTTEN;
	}
	if (io->trigger != RESUME_TRIGGER_CONGESTION_WINDOW_LIMITED)
		return io->trigger;
	if (!refused && entry)
		refused = owner_claim(conn, entry, lease_ns);
	if (!refused)
		return io->trigger;
	conn->ph.now = RESUME_PHASE_NORMAL;
	io->trigger = refused;
	io->cwnd = cwnd;
	return refused;
}

#endif
