/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps. None is declared LIBBPF_PIN_BY_NAME: who loads the programs decides
 * where they are pinned. Tunables live in maps, not in .rodata, because the
 * managers that load this object treat global data differently.
 */
#ifndef RESUME_MAPS_H
#define RESUME_MAPS_H

#include "conn.h"
#include "kernel.h"
#include "layout.h"

/* Written by applications, operators and the kernel's learning; read at ESTABLISHED. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 20);
	__type(key, struct resume_peer);
	__type(value, struct resume_path);
} resume_paths SEC(".maps");

/* One connection while it resumes; the kernel frees it with the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct resume_conn);
} resume_conns SEC(".maps");

/* What a connection delivered, until it closes. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct resume_observation);
} resume_seen SEC(".maps");

/*
 * Paths on which a connection is in Careful Resume now. Inserted at the jump,
 * deleted when the phases end; whatever is written to resume_paths meanwhile, no
 * second connection jumps.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 16);
	__type(key, struct resume_peer);
	__type(value, struct resume_jump);
} resume_jumps SEC(".maps");

/*
 * Connections that were resumed, by socket cookie, with the time at which:
 * what a tracepoint asks, which has no access to socket storage. Entries stay
 * until newer ones need the room, as a close with unread data sends its reset
 * after the socket's last state change.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1 << 16);
	__type(key, __u64);
	__type(value, __u64);
} resume_alive SEC(".maps");

/* Written by the operator; the longest prefix wins. */
struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1 << 14);
	__type(key, struct resume_policy_key);
	__type(value, struct resume_policy);
} resume_policy SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct resume_control);
} resume_control SEC(".maps");

/* Written by the kernel only; user space adds up the CPUs. */
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct resume_stats);
} resume_stats SEC(".maps");

/* Records of struct resume_event; what does not fit is counted in events_lost. */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 20);
} resume_events SEC(".maps");

/* Drop-in for programs written against the original maps: key 0, bytes. Never rewritten here. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} CwndMap SEC(".maps"), SSThreshMap SEC(".maps"), FallbackMap SEC(".maps");

/* True while tcpresume goes away. */
static __always_inline bool draining(void)
{
	__u32 zero = 0;
	struct resume_control *control = bpf_map_lookup_elem(&resume_control, &zero);

	return control && control->draining;
}

/*
 * Looked up by its id, a program shows the maps that its instructions name and
 * no others; where bpfman's pins are out of sight that is the only way to them.
 */
#define map_named(map) asm volatile("" ::"r"(&(map)))

static __always_inline void maps_named(void)
{
	map_named(resume_paths);
	map_named(resume_jumps);
	map_named(resume_alive);
	map_named(resume_policy);
	map_named(resume_control);
	map_named(resume_stats);
	map_named(resume_events);
	map_named(CwndMap);
	map_named(SSThreshMap);
	map_named(FallbackMap);
}

#endif
