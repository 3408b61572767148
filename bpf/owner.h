/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who may use a saved set, while a connection lives. Two things are owned at
 * the jump and not before, so that an idle connection blocks nobody: the entry,
 * by its claim word, and the path, by the address's key in resume_jumps. Either
 * claim runs out, so that none outlives a connection whose end went unseen: the
 * entry's by its age, the path's unless the jumping connection renews it.
 */
#ifndef RESUME_OWNER_H
#define RESUME_OWNER_H

#include "claim.h"
#include "conn.h"
#include "policy.h"

/* Takes over what an entry, capped already, says of the path. */
static __always_inline void owner_set(struct resume_conn *conn, const struct resume_policy *policy,
				      const struct resume_path *path)
{
	struct resume_event *event = &conn->event;
	struct phase *ph = &conn->ph;

	conn->claim = path->claim;
	conn->path_deadline_ns = path_deadline(policy, path);
	ph->saved_cwnd = path->cwnd_bytes;
	ph->saved_rtt_us = path->min_rtt_us;
	ph->max_jump = path_jump(policy, path) ?: 1; /* 0 would be no limit */
	ph->rtt_low_percent = policy->rtt_low_percent;
	ph->rtt_high_percent = policy->rtt_high_percent;
	event->cwnd_bytes = path->cwnd_bytes;
	event->ssthresh_bytes = path->ssthresh_bytes;
	event->saved_rtt_us = path->min_rtt_us;
	event->source = path->source;
}

/*
 * How long a claim of the path stands without news of its connection: ACKs renew
 * it, and without any a probe of two round trips and then a timeout follow, which
 * ends the jump. Four timeouts are beyond both.
 */
static __always_inline __u64 owner_lease_ns(const struct tcp_sock *tp)
{
	return 4000ULL * ((tp->srtt_us >> 3) + tp->rttvar_us); /* as __tcp_set_rto() has it */
}

/* Takes the path, also from a connection that has vanished. */
static __always_inline bool owner_take_path(struct resume_conn *conn, __u64 lease_ns)
{
	__u64 now = bpf_ktime_get_boot_ns(), cookie;
	struct resume_jump jump = {conn->event.cookie, now + lease_ns}, *held;

	if (!bpf_map_update_elem(&resume_jumps, &conn->path, &jump, BPF_NOEXIST))
		return true;
	held = bpf_map_lookup_elem(&resume_jumps, &conn->path);
	if (!held)
		return false;
	cookie = *(volatile __u64 *)&held->cookie;
	if (cookie == jump.cookie)
		return true;
	if (now < held->until_ns)
		return false;
	held->until_ns = jump.until_ns; /* before the cookie, or a third would find it void */
	return __sync_val_compare_and_swap(&held->cookie, cookie, jump.cookie) == cookie;
}

/* The connection that jumps is alive. */
static __always_inline void owner_jump_on(struct resume_conn *conn, __u64 lease_ns)
{
	struct resume_jump *held = bpf_map_lookup_elem(&resume_jumps, &conn->path);

	if (held && held->cookie == conn->event.cookie)
		held->until_ns = bpf_ktime_get_boot_ns() + lease_ns;
}

/* The phases are over: the next connection of the path may try its luck. */
static __always_inline void owner_jump_over(struct resume_conn *conn)
{
	struct resume_jump *held = bpf_map_lookup_elem(&resume_jumps, &conn->path);

	if (held && held->cookie == conn->event.cookie)
		bpf_map_delete_elem(&resume_jumps, &conn->path);
}

/* Takes entry and path for this connection; otherwise says why not. */
static __always_inline enum resume_trigger owner_claim(struct resume_conn *conn,
						       struct resume_path *entry, __u64 lease_ns)
{
	if (bpf_ktime_get_boot_ns() >= conn->path_deadline_ns) {
		claim_swap(entry, conn->claim, RESUME_SPENT); /* RFC 9959 3.2: deleted */
		return RESUME_TRIGGER_EXPIRED_MEANWHILE;
	}
	if (!owner_take_path(conn, lease_ns))
		return RESUME_TRIGGER_IN_USE_ELSEWHERE;
	if (!claim_take(entry, conn->claim, conn->event.cookie)) {
		owner_jump_over(conn);
		return RESUME_TRIGGER_IN_USE_ELSEWHERE;
	}
	__sync_fetch_and_add(&entry->uses, 1);
	conn->claimed = 1;
	return RESUME_TRIGGER_NONE;
}

/* Lets the entry go, with what became of its use; false if it is not this connection's any more. */
static __always_inline bool owner_release(struct resume_conn *conn, __u64 claim)
{
	struct resume_path *path = bpf_map_lookup_elem(&resume_paths, &conn->peer);

	conn->claimed = 0;
	if (!path || *(volatile __u64 *)&path->claim != conn->event.cookie)
		return false;
	path->outcome = conn->outcome;
	return claim_swap(path, conn->event.cookie, claim);
}

/* What a use has shown of the path; it counts for whatever is stored there now. */
static __always_inline void owner_tally(const struct resume_conn *conn, bool served)
{
	struct resume_path *path = bpf_map_lookup_elem(&resume_paths, &conn->peer);

	if (!path || conn->event.source == RESUME_SOURCE_DROPIN)
		return;
	if (served)
		path->retreats = 0;
	else
		__sync_fetch_and_add(&path->retreats, 1);
}

/* RFC 9959 3.5: the set was wrong, it is deleted for everyone. */
static __always_inline void owner_refute(struct resume_conn *conn)
{
	owner_release(conn, RESUME_SPENT);
	owner_tally(conn, false);
}

/* Mode exact, single use: it has served. */
static __always_inline void owner_spend(struct resume_conn *conn)
{
	if (conn->claimed)
		owner_release(conn, RESUME_SPENT);
}

/* The set was right and the connection ends: as it was, with its original expiry. */
static __always_inline void owner_return(struct resume_conn *conn)
{
	if (conn->claimed)
		owner_release(conn, conn->claim);
}

/* The connection ends, whoever says so: nothing stays claimed. */
static __always_inline void owner_settle(struct resume_conn *conn)
{
	if (conn->event.mode == RESUME_MODE_EXACT) {
		owner_spend(conn);
		return;
	}
	owner_jump_over(conn);
	owner_return(conn);
}

#endif
