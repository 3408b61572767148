/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ask tcpresume for one of your TCP connections, because you have learnt who
 * its client is. No privilege is needed; the operator allows your cgroup with
 * "tcpresume ask allow". docs/ask.md has the errors as a table.
 *
 * Each function returns 0, or -1 with errno set. The connection goes on as it
 * was if it fails.
 */
#ifndef TCPRESUME_ASK_H
#define TCPRESUME_ASK_H

#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#define TCPRESUME_ASK_LEVEL 0x7472
#define TCPRESUME_ASK_NAME 1
#define TCPRESUME_ASK_VERSION 1

#ifndef SO_COOKIE
#define SO_COOKIE 57
#endif

enum { TCPRESUME_ASK_PEER = 1, TCPRESUME_ASK_TOKEN, TCPRESUME_ASK_STATE };

struct tcpresume_ask {
	uint32_t version;
	uint32_t kind;
	uint8_t token[16];
	uint32_t cwnd_bytes;
	uint32_t ssthresh_bytes; /* 0: not known */
	uint32_t min_rtt_us;
	uint32_t mode; /* 0: RFC 9959; 2: exactly and at once, where that is allowed */
};

struct tcpresume_answer {
	uint32_t version;
	uint32_t phase; /* 0 normal, 1 reconnaissance, 2 unvalidated, 3 validating, 4 safe retreat, 5 exact, 6 filling */
	uint32_t outcome;
	uint32_t mode; /* 1: the connection was never given a state */
	uint32_t cwnd_bytes; /* as stored and capped */
	uint32_t ssthresh_bytes;
	uint32_t jump_bytes; /* the window that was set; 0: none yet */
	uint32_t limit;
};

static inline int tcpresume_ask(int fd, struct tcpresume_ask *ask)
{
	uint64_t cookie;
	socklen_t size = sizeof(cookie);

	/* The kernel gives a socket its cookie, by which events name it, when it is asked for. */
	(void)getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size);
	ask->version = TCPRESUME_ASK_VERSION;
	return setsockopt(fd, TCPRESUME_ASK_LEVEL, TCPRESUME_ASK_NAME, ask, sizeof(*ask));
}

/* The path that is stored for the address of the peer. */
static inline int tcpresume_ask_peer(int fd)
{
	struct tcpresume_ask ask = {.kind = TCPRESUME_ASK_PEER};

	return tcpresume_ask(fd, &ask);
}

/* The path that was stored under a token of 16 bytes. */
static inline int tcpresume_ask_token(int fd, const uint8_t token[16])
{
	struct tcpresume_ask ask = {.kind = TCPRESUME_ASK_TOKEN};

	memcpy(ask.token, token, sizeof(ask.token));
	return tcpresume_ask(fd, &ask);
}

/* What a QUIC connection of the same client knew: bytes, bytes or 0, microseconds. */
static inline int tcpresume_ask_state(int fd, uint32_t cwnd, uint32_t ssthresh, uint32_t min_rtt_us)
{
	struct tcpresume_ask ask = {
		.kind = TCPRESUME_ASK_STATE,
		.cwnd_bytes = cwnd,
		.ssthresh_bytes = ssthresh,
		.min_rtt_us = min_rtt_us,
	};

	return tcpresume_ask(fd, &ask);
}

/* What became of the connection's state so far. */
static inline int tcpresume_read(int fd, struct tcpresume_answer *answer)
{
	socklen_t size = sizeof(*answer);

	return getsockopt(fd, TCPRESUME_ASK_LEVEL, TCPRESUME_ASK_NAME, answer, &size);
}

#endif
