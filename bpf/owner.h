/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Who may use a saved set, while a connection lives. Two things are owned at
 * the jump and not before, so that an idle connection blocks nobody: the entry,
 * by its claim word, and the path, by the address's key in resume_jumps.
 */
#ifndef RESUME_OWNER_H
#define RESUME_OWNER_H

#include "claim.h"
#include "conn.h"

/* Takes both for this connection; otherwise says why not. */
static __always_inline enum resume_trigger owner_claim(struct resume_conn *conn)
{
	struct resume_path *path = bpf_map_lookup_elem(&resume_paths, &conn->peer);

	if (!path)
		return RESUME_TRIGGER_FORGOTTEN;
	if (bpf_ktime_get_boot_ns() >= conn->path_deadline_ns) {
		claim_swap(path, conn->claim, RESUME_SPENT); /* RFC 9959 3.2: deleted */
		return RESUME_TRIGGER_EXPIRED_MEANWHILE;
	}
	if (bpf_map_update_elem(&resume_jumps, &conn->path, &conn->event.cookie, BPF_NOEXIST))
		return RESUME_TRIGGER_IN_USE_ELSEWHERE;
	if (!claim_swap(path, conn->claim, conn->event.cookie)) {
		bpf_map_delete_elem(&resume_jumps, &conn->path);
		return RESUME_TRIGGER_IN_USE_ELSEWHERE;
	}
	__sync_fetch_and_add(&path->uses, 1);
	conn->claimed = 1;
	return RESUME_TRIGGER_NONE;
}

/* The phases are over: the next connection of the path may try its luck. */
static __always_inline void owner_jump_over(struct resume_conn *conn)
{
	__u64 *holder = bpf_map_lookup_elem(&resume_jumps, &conn->path);

	if (holder && *holder == conn->event.cookie)
		bpf_map_delete_elem(&resume_jumps, &conn->path);
}

/* Lets the entry go, with what became of its use; false if it is not this connection's any more. */
static __always_inline bool owner_release(struct resume_conn *conn, __u64 claim)
{
	struct resume_path *path = bpf_map_lookup_elem(&resume_paths, &conn->peer);

	if (!path || *(volatile __u64 *)&path->claim != conn->event.cookie)
		return false;
	path->outcome = conn->outcome;
	return claim_swap(path, conn->event.cookie, claim);
}

/* RFC 9959 3.5: the set was wrong, it is deleted for everyone. */
static __always_inline void owner_refute(struct resume_conn *conn)
{
	struct resume_path *path = bpf_map_lookup_elem(&resume_paths, &conn->peer);

	if (path && owner_release(conn, RESUME_SPENT))
		__sync_fetch_and_add(&path->retreats, 1);
	conn->claimed = 0;
}

/* Mode exact, single use: it has served. */
static __always_inline void owner_spend(struct resume_conn *conn)
{
	owner_release(conn, RESUME_SPENT);
}

/* The set was right and the connection ends: as it was, with its original expiry. */
static __always_inline void owner_return(struct resume_conn *conn)
{
	owner_release(conn, conn->claim);
	conn->claimed = 0;
}

#endif
