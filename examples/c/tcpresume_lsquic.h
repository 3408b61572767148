/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports a connection of lsquic 4.3 or later when one of its streams closes:
 * one call in on_close of the streams, as openlitespeed.patch has it. Include
 * lsquic.h before.
 *
 * Not in on_conn_closed: lsquic has taken the bandwidth sampler down by then,
 * and lsquic_conn_get_info() would make, and leak, a new one. A connection that
 * ends closes its streams first, so nothing is missed.
 */
#ifndef TCPRESUME_LSQUIC_H
#define TCPRESUME_LSQUIC_H

#include <time.h>

#include "tcpresume.h"

/* Each connection reports once a second at most. Two that share a place may report twice. */
static inline int tcpresume_lsquic_due(const lsquic_conn_t *conn)
{
	static struct {
		const lsquic_conn_t *conn;
		time_t at;
	} seen[4096];
	size_t place = ((uintptr_t)conn >> 6) % (sizeof(seen) / sizeof(seen[0]));
	time_t now = time(NULL);

	if (seen[place].conn == conn && seen[place].at == now)
		return 0;
	seen[place].conn = conn;
	seen[place].at = now;
	return 1;
}

static inline void tcpresume_lsquic(lsquic_conn_t *conn)
{
	static int fd = -1; /* of this process: OpenLiteSpeed forks before it serves */
	const struct sockaddr *local, *peer;
	struct lsquic_conn_info info;
	struct tcpresume_report r;
	char id[24];

	if (!conn || !tcpresume_lsquic_due(conn))
		return;
	if (lsquic_conn_get_info(conn, &info) || lsquic_conn_get_sockaddr(conn, &local, &peer))
		return; /* the handshake is not over, or it is Google's QUIC */
	if (fd < 0)
		fd = tcpresume_open();
	memset(&r, 0, sizeof(r));
	snprintf(id, sizeof(id), "%p", (void *)conn);
	r.peer = peer;
	r.id = id;
	r.cwnd = info.lci_cwnd;
	r.min_rtt_us = info.lci_rtt_min;
	r.srtt_us = info.lci_rtt;
	r.bandwidth = info.lci_bw_estimate / 8; /* lsquic's are bits */
	r.sent = info.lci_bytes_sent; /* this and the next are 0 unless lsquic counts them */
	r.lost = info.lci_pkts_lost;
	r.mss = info.lci_pmtu;
	/* "adaptive", lsquic's default, is BBR above 1.5 ms; its window is two round trips' worth.
	 */
	r.cc = info.lci_rtt_min > 1500 ? "bbr" : "cubic";
	(void)tcpresume_send(fd, NULL, &r);
}

#endif
