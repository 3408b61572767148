/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Everything that user space sees: map keys, map values, events, enums.
 * Go types are generated from this file; nothing mirrors it by hand. A changed
 * layout of a shared map needs a new map name.
 *
 * Units: windows in bytes, round-trip times in microseconds, clocks in
 * nanoseconds of CLOCK_BOOTTIME. Addresses are 16 bytes in network order, IPv4
 * as ::ffff:a.b.c.d.
 */
#ifndef RESUME_LAYOUT_H
#define RESUME_LAYOUT_H

#include <linux/types.h>

enum resume_mode {
	RESUME_MODE_POLICY = 0, /* an entry that leaves the mode to the policy */
	RESUME_MODE_OFF,
	RESUME_MODE_EXACT,
	RESUME_MODE_CAREFUL,
};

enum resume_sharing {
	RESUME_SHARING_POLICY = 0, /* an entry that leaves it to the policy */
	RESUME_SHARING_SINGLE, /* one connection uses an entry once */
	RESUME_SHARING_SHARED, /* each connection gets the same */
};

enum resume_source {
	RESUME_SOURCE_OPERATOR = 0,
	RESUME_SOURCE_APPLICATION,
	RESUME_SOURCE_LEARNT,
	RESUME_SOURCE_DROPIN,
	RESUME_SOURCE_FLEET, /* another machine, by way of its agent */
};

enum resume_scope {
	RESUME_SCOPE_HOST = 0,
	RESUME_SCOPE_NETNS,
};

enum resume_dropin {
	RESUME_DROPIN_FALLBACK = 0, /* CwndMap counts while FallbackMap[0] is set */
	RESUME_DROPIN_ALWAYS, /* CwndMap counts by itself */
	RESUME_DROPIN_NEVER,
};

enum resume_live {
	RESUME_LIVE_IDLE = 0, /* a path that is stored reaches the peer's idle connections */
	RESUME_LIVE_NEVER, /* it waits for the next connection */
};

enum resume_cc {
	RESUME_CC_OTHER = 0,
	RESUME_CC_CUBIC,
	RESUME_CC_RENO,
	RESUME_CC_BBR,
};

/* RFC 9959 section 3, and the phases of mode exact, which the RFC does not know. */
enum resume_phase {
	RESUME_PHASE_NORMAL = 0,
	RESUME_PHASE_RECONNAISSANCE,
	RESUME_PHASE_UNVALIDATED,
	RESUME_PHASE_VALIDATING,
	RESUME_PHASE_SAFE_RETREAT,
	RESUME_PHASE_EXACT, /* the stored window leaves, paced, for the first time */
	RESUME_PHASE_FILLING, /* normal congestion control, still short of the pipe: growth is
				 reined in */
};

/*
 * Why a phase changed; the names are those of RFC 9959's qlog events where it
 * has one. Each has its counter in resume_stats.
 */
enum resume_trigger {
	RESUME_TRIGGER_NONE = 0,
	RESUME_TRIGGER_APPLIED, /* at ESTABLISHED: the state was given to the socket */
	RESUME_TRIGGER_CONGESTION_WINDOW_LIMITED, /* the jump */
	RESUME_TRIGGER_RTT_NOT_VALIDATED,
	RESUME_TRIGGER_LAST_UNVALIDATED_PACKET_SENT,
	RESUME_TRIGGER_FIRST_UNVALIDATED_PACKET_ACKNOWLEDGED,
	RESUME_TRIGGER_RTT_EXCEEDED,
	RESUME_TRIGGER_RATE_LIMITED,
	RESUME_TRIGGER_LAST_UNVALIDATED_PACKET_ACKNOWLEDGED,
	RESUME_TRIGGER_PATH_CHANGED,
	RESUME_TRIGGER_PACKET_LOSS,
	RESUME_TRIGGER_ECN_CE,
	RESUME_TRIGGER_RTO,
	RESUME_TRIGGER_EXIT_RECOVERY,
	/* not in the RFC */
	RESUME_TRIGGER_NO_GAIN, /* the window has grown to half of the jump by itself */
	RESUME_TRIGGER_IN_USE_ELSEWHERE, /* another connection of the path jumped first */
	RESUME_TRIGGER_EXPIRED_MEANWHILE, /* between ESTABLISHED and the jump */
	RESUME_TRIGGER_FORGOTTEN, /* the entry was deleted before the jump */
	RESUME_TRIGGER_WINDOW_SENT, /* exact: the stored window left once, ACKs return */
	RESUME_TRIGGER_PIPE_FULL, /* delay rose, or BBR found the bottleneck's rate */
	RESUME_TRIGGER_REPLACED, /* somebody chose another congestion control */
	RESUME_TRIGGER_DRAINING, /* tcpresume is going away */
	RESUME_TRIGGER_CLOSED,
	RESUME_TRIGGER_REVIVED, /* the state was given to an idle live connection */
	RESUME_TRIGGER_ASKED, /* it was given because the application asked */
	RESUME_TRIGGER_LOCAL_CONGESTION, /* a queue of this host dropped: the set stays */
	RESUME_TRIGGER_TURNED_OFF, /* a report before the jump, or the policy, says off */
};

#define RESUME_TRIGGER_SLOTS 32 /* a power of two, which the verifier can follow */

/*
 * What became of a live connection that was to get a path, because the path was
 * stored while it was idle, or because its application asked. Each has its
 * counter for either reason.
 */
enum resume_verdict {
	RESUME_VERDICT_RESUMED = 0,
	RESUME_VERDICT_OFF, /* the policy or the entry says so, or allows less */
	RESUME_VERDICT_NO_SAVED_PATH,
	RESUME_VERDICT_LIFETIME_EXCEEDED,
	RESUME_VERDICT_IN_USE, /* another connection has the entry or the path, or has used it up */
	RESUME_VERDICT_PATH_UNSTABLE, /* rewritten faster than it could be read */
	RESUME_VERDICT_NO_SAVED_RTT,
	RESUME_VERDICT_RTT_NOT_VALIDATED,
	RESUME_VERDICT_NO_GAIN,
	RESUME_VERDICT_CONGESTED, /* losses are being repaired */
	RESUME_VERDICT_ALREADY, /* the connection is resuming, or an ask of it has been used */
	RESUME_VERDICT_UNSUPPORTED, /* its congestion control has no wrapper, or its end goes unseen
				     */
	RESUME_VERDICT_NO_MEMORY,
	RESUME_VERDICT_MALFORMED, /* asks only, like the next */
	RESUME_VERDICT_NOT_CONNECTED,
	RESUME_VERDICT_QUOTA, /* so many paths has the cgroup stored of late */
};

#define RESUME_VERDICT_SLOTS 16 /* a power of two */

/* What bound the jump. */
enum resume_limit {
	RESUME_LIMIT_NONE = 0,
	RESUME_LIMIT_SAVED_WINDOW, /* half of it, RFC 9959 3.3 */
	RESUME_LIMIT_MAX_JUMP,
	RESUME_LIMIT_STANDING_QUEUE, /* the RTT shows one */
	RESUME_LIMIT_RECEIVER_WINDOW,
	RESUME_LIMIT_CLAMP, /* the socket's snd_cwnd_clamp, as of a route's "cwnd lock" */
};

/* Bounds that user space judges by, too; the unit is in the name. */
enum resume_bound {
	RESUME_BOUND_CLAIM_S = 600, /* an older claim on an entry is void: its holder may have gone
				       unseen, and if not, has long used it */
	RESUME_BOUND_SKEW_MS = 1000, /* an entry from further ahead was stored by another clock */
	RESUME_BOUND_SHORT_RTT_US = 2000, /* a path that is shorter gains nothing */
	RESUME_BOUND_JUMP_WINDOWS =
		3, /* a jump to less than so many times the window gains nothing */
};

enum resume_event_kind {
	RESUME_EVENT_RESUMED = 0,
	RESUME_EVENT_PHASE,
	RESUME_EVENT_CLOSED,
	RESUME_EVENT_LEARNT, /* a closed connection's path is there for the next */
};

/* Key of resume_paths: the peer, masked to the policy's prefix length. */
struct resume_peer {
	__u8 addr[16];
	__u64 scope; /* 0, or the netns cookie where the policy separates namespaces */
};

#define RESUME_SCOPE_ASKED (1ULL << 63) /* with the scope: what an application asked by itself */
#define RESUME_SCOPE_TOKEN (~0ULL) /* `addr` is a token, which a connection's application names */

/*
 * Value of resume_paths. `claim` is one word that says three things: equal to
 * the seal of the other fields and the key, the entry is whole, belongs to that
 * key and is free; RESUME_SPENT, it must not be used any more; anything else is
 * the cookie of the socket that holds it. Fields below the line are not sealed.
 */
struct resume_path {
	__u64 claim;
	__u64 expires_ns;
	__u64 stored_ns;
	__u32 cwnd_bytes;
	__u32 ssthresh_bytes; /* 0: not known, slow start is unbounded */
	__u32 min_rtt_us; /* 0: not known */
	__u8 mode; /* enum resume_mode, resume_sharing, resume_source: one byte each */
	__u8 sharing;
	__u8 source;
	__u8 unused;
	/* ---- */
	__u32 uses;
	__u32 retreats; /* of the path since a use of it succeeded, whatever was stored meanwhile */
	__u32 outcome; /* enum resume_trigger: how the latest use ended */
	__u32 claimed_s; /* when the latest claim was made, in seconds of the same clock */
};

#define RESUME_SEALED_WORDS 4 /* 64-bit words after `claim` that the seal covers */
#define RESUME_FREE (1ULL << 63) /* set in every seal, in no socket cookie */
#define RESUME_SPENT (~RESUME_FREE) /* no socket lives long enough to get this cookie */

/* Value of resume_jumps: the connection that jumps, by its cookie. Void from then on. */
struct resume_jump {
	__u64 cookie;
	__u64 until_ns;
};

struct resume_policy_key {
	__u32 prefix_len; /* of 128; 96 + n for an IPv4 prefix of length n */
	__u8 addr[16];
};

struct resume_policy {
	__u32 max_cwnd_bytes; /* 0: no cap */
	__u32 max_ssthresh_bytes; /* 0: no cap */
	__u32 max_jump_bytes; /* RFC 9959 max_jump; 0: no cap */
	__u32 lifetime_s; /* no entry is used longer after it was stored */
	enum resume_mode mode;
	enum resume_sharing sharing;
	enum resume_scope scope;
	enum resume_dropin dropin;
	enum resume_live live;
	__u8 key_bits_v4; /* 0..32 */
	__u8 key_bits_v6; /* 0..128 */
	__u8 learn;
	__u8 unused;
	__u16 rtt_low_percent; /* of the saved RTT; RFC 9959 4.2.1: 50 */
	__u16 rtt_high_percent; /* 1000 */
};

/* Value of resume_control[0]. */
struct resume_control {
	__u64 build; /* of the objects that are loaded: user space compares it with its own */
	__u32 draining; /* wrappers give their sockets back at the next ACK */
	__u32 unused;
};

/* One counter per way out of the gate, then what became of the resumed ones. */
struct resume_stats {
	__u64 established; /* connections seen: the sum of the ways out up to cwnd_only */
	__u64 not_a_tcp_socket;
	__u64 policy_off;
	__u64 no_saved_path;
	__u64 path_off;
	__u64 path_unstable; /* rewritten faster than it could be read */
	__u64 lifetime_exceeded;
	__u64 already_in_use;
	__u64 window_too_small;
	__u64 short_path; /* careful: loopback, or a round trip that is over before it counts */
	__u64 no_saved_rtt; /* careful has nothing to confirm the path by */
	__u64 handshake_loss; /* careful: the SYN or SYN-ACK was sent again */
	__u64 congestion_control_unsupported;
	__u64 no_memory;
	__u64 switch_failed;
	__u64 resumed;
	__u64 cwnd_only; /* resumed without a wrapper: the kernel lacks it */
	/* of the resumed */
	__u64 resumed_by_dropin;
	__u64 kept_bbr;
	__u64 handed_back;
	__u64 handback_failed;
	__u64 closed_while_resuming;
	/* Observing (RFC 9959 3.1) */
	__u64 learnt;
	__u64 learnt_too_small; /* below 4 x IW */
	__u64 learnt_short_path;
	__u64 learnt_older; /* a fresher report stands */
	__u64 learnt_operator_stands; /* an operator's shared or exact entry is not replaced */
	__u64 learnt_expired; /* the best round was longer ago than the lifetime */
	__u64 events_lost;
	/* of the resumed, until they are gone; counted while watch.h's programs are attached */
	__u64 segments_retransmitted;
	__u64 reset_sent;
	__u64 reset_received;
	__u64 triggers[RESUME_TRIGGER_SLOTS];
	/* of live connections, which are not among the established above */
	__u64 live[RESUME_VERDICT_SLOTS];
	__u64 ask[RESUME_VERDICT_SLOTS];
};

/* Value of resume_reach[0]: only sockets of this cgroup and below are reached. */
struct resume_reach {
	__u64 cgroup_id;
};

/*
 * The socket option by which an application asks for one of its connections:
 * setsockopt with struct resume_ask, getsockopt with struct resume_answer. It
 * exists in cgroups that the operator allowed only. The level is one that the
 * kernel has no use for.
 */
#define RESUME_ASK_LEVEL 0x7472
#define RESUME_ASK_NAME 1
#define RESUME_ASK_VERSION 1

enum resume_ask_kind {
	RESUME_ASK_PEER = 1, /* the entry of the connection's peer */
	RESUME_ASK_TOKEN, /* the entry that was stored under a token */
	RESUME_ASK_STATE, /* the state that comes with the ask */
};

struct resume_ask {
	__u32 version;
	enum resume_ask_kind kind;
	__u8 token[16];
	__u32 cwnd_bytes; /* this and the next: RESUME_ASK_STATE only */
	__u32 ssthresh_bytes; /* 0: not known */
	__u32 min_rtt_us;
	enum resume_mode mode; /* at most what is allowed; POLICY: careful */
};

struct resume_answer {
	__u32 version;
	enum resume_phase phase;
	enum resume_trigger outcome; /* of the latest change of phase */
	enum resume_mode mode; /* OFF: the connection was never given a state */
	__u32 cwnd_bytes; /* as stored and capped */
	__u32 ssthresh_bytes;
	__u32 jump_bytes;
	enum resume_limit limit;
};

/* Value of resume_ask_rule[0]: what the operator allows the cgroup, on top of the peer's policy. */
struct resume_ask_rule {
	__u32 max_cwnd_bytes; /* 0: no cap of its own */
	__u32 max_ssthresh_bytes;
	enum resume_mode mode; /* CAREFUL or EXACT */
};

struct resume_event {
	__u64 at_ns;
	__u64 cookie;
	__u64 bytes_acked;
	__u64 bytes_sent;
	__u8 local_addr[16];
	__u8 peer_addr[16];
	__u16 local_port; /* host order */
	__u16 peer_port; /* host order */
	__u32 cwnd_bytes; /* as stored and capped */
	__u32 ssthresh_bytes;
	__u32 saved_rtt_us;
	__u32 snd_cwnd; /* segments, after the transition */
	__u32 snd_ssthresh;
	__u32 mss;
	__u32 srtt_us;
	__u32 min_rtt_us;
	__u32 retransmits;
	__u32 lost;
	__u32 pipe_bytes; /* RFC 9959 PipeSize */
	__u32 jump_bytes; /* jump_cwnd */
	__u32 first_unvalidated; /* sequence numbers */
	__u32 last_unvalidated;
	enum resume_limit limit;
	enum resume_event_kind kind;
	enum resume_mode mode;
	enum resume_source source;
	enum resume_cc cc;
	enum resume_phase old_phase;
	enum resume_phase phase;
	enum resume_trigger trigger;
	__u32 cwnd_only;
};

#endif
