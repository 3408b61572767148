/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports the connections of lsquic 4.3 or later, which are told apart by their
 * connection IDs: lsquic uses the place of one that ended for the next. Include
 * lsquic.h before, and this in one file of the program, which keeps what each
 * connection told last. Two calls:
 *
 *	tcpresume_lsquic(conn)		in on_write and on_close of its streams
 *	tcpresume_lsquic_closed(conn)	in on_conn_closed
 *
 * The second asks lsquic for nothing but the ID: the bandwidth sampler is down by
 * then, and lsquic_conn_get_info() would make, and leak, a new one.
 */
#ifndef TCPRESUME_LSQUIC_H
#define TCPRESUME_LSQUIC_H

#include <time.h>

#include "tcpresume.h"

#define TCPRESUME_LSQUIC_WORTH (64 << 10) /* bytes sent between two reports */
#define TCPRESUME_LSQUIC_INITIAL (32 * 1460) /* the window that lsquic begins with */

struct tcpresume_lsquic_seen {
	lsquic_cid_t cid;
	char id[2 * MAX_CID_LEN + 1];
	struct sockaddr_storage peer;
	struct tcpresume_report last;
	uint64_t told_sent, told_cwnd; /* as they were reported; 0: not yet */
	time_t told_at;
};

/* Connections that share a place forget each other, and may report too often. */
static inline struct tcpresume_lsquic_seen *tcpresume_lsquic_place(const lsquic_cid_t *cid)
{
	static struct tcpresume_lsquic_seen all[4096];
	uint32_t hash = 2166136261u;
	unsigned int i;

	for (i = 0; i < cid->len; i++)
		hash = (hash ^ cid->idbuf[i]) * 16777619u;
	return &all[hash % (sizeof(all) / sizeof(all[0]))];
}

static inline int tcpresume_lsquic_is(const struct tcpresume_lsquic_seen *seen,
				      const lsquic_cid_t *cid)
{
	return seen->cid.len == cid->len && !memcmp(seen->cid.idbuf, cid->idbuf, cid->len);
}

/* Once a second at most, and only what is worth it: a short answer leaves the second to the next.
 */
static inline int tcpresume_lsquic_due(const struct tcpresume_lsquic_seen *seen, time_t now)
{
	if (seen->told_cwnd && seen->told_at == now)
		return 0;
	if (seen->last.sent)
		return seen->last.sent >= seen->told_sent + TCPRESUME_LSQUIC_WORTH;
	/* lsquic was built without counting: a window that moved tells as much. */
	return seen->last.cwnd !=
	       (seen->told_cwnd ? seen->told_cwnd : (uint64_t)TCPRESUME_LSQUIC_INITIAL);
}

static inline void tcpresume_lsquic_tell(const struct tcpresume_lsquic_seen *seen)
{
	static int fd = -1; /* of this process: OpenLiteSpeed forks before it serves */

	if (fd < 0)
		fd = tcpresume_open();
	(void)tcpresume_send(fd, NULL, &seen->last);
}

static inline void tcpresume_lsquic(lsquic_conn_t *conn)
{
	const struct sockaddr *local, *peer;
	struct tcpresume_lsquic_seen *seen;
	struct lsquic_conn_info info;
	const lsquic_cid_t *cid;
	time_t now = time(NULL);
	unsigned int i;

	if (!conn || !(cid = lsquic_conn_id(conn)) || lsquic_conn_get_info(conn, &info) ||
	    lsquic_conn_get_sockaddr(conn, &local, &peer))
		return; /* the handshake is not over, or it is Google's QUIC */
	seen = tcpresume_lsquic_place(cid);
	if (!tcpresume_lsquic_is(seen, cid)) {
		memset(seen, 0, sizeof(*seen));
		seen->cid = *cid;
		for (i = 0; i < cid->len; i++)
			snprintf(seen->id + 2 * i, 3, "%02x", cid->idbuf[i]);
	}
	memcpy(&seen->peer, peer,
	       peer->sa_family == AF_INET ? sizeof(struct sockaddr_in)
					  : sizeof(struct sockaddr_in6));
	seen->last.peer = (const struct sockaddr *)&seen->peer;
	seen->last.id = seen->id;
	seen->last.cwnd = info.lci_cwnd;
	seen->last.min_rtt_us = info.lci_rtt_min;
	seen->last.srtt_us = info.lci_rtt;
	/* Not lci_bw_estimate: it is the goodput of the last second, idle time and all. */
	seen->last.sent = info.lci_bytes_sent;
	seen->last.lost = info.lci_pkts_lost;
	seen->last.mss = info.lci_pmtu;
	/* "adaptive", lsquic's default, is BBR above 1.5 ms. */
	seen->last.cc = info.lci_rtt_min > 1500 ? "bbr" : "cubic";
	if (!tcpresume_lsquic_due(seen, now))
		return;
	seen->told_sent = seen->last.sent;
	seen->told_cwnd = seen->last.cwnd;
	seen->told_at = now;
	tcpresume_lsquic_tell(seen);
}

/* The last that was seen of a connection, if it told anything. */
static inline void tcpresume_lsquic_closed(lsquic_conn_t *conn)
{
	const lsquic_cid_t *cid = conn ? lsquic_conn_id(conn) : NULL;
	struct tcpresume_lsquic_seen *seen = cid ? tcpresume_lsquic_place(cid) : NULL;

	if (!seen || !tcpresume_lsquic_is(seen, cid))
		return;
	seen->last.closing = 1;
	if (seen->told_cwnd)
		tcpresume_lsquic_tell(seen);
	memset(seen, 0, sizeof(*seen));
}

#endif
