/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays OpenLiteSpeed's part: it has one connection of lsquic, with the numbers
 * of the command line, and closes one of its streams. What reports is the very
 * code that openlitespeed.patch calls.
 *
 *	part ADDRESS PORT CWND RTT_US BANDWIDTH_BITS
 */
#include <stdlib.h>

#include "tcpresume.h"

/* The part of lsquic.h that is played. */
typedef struct lsquic_conn {
	struct sockaddr_storage peer;
	uint32_t cwnd, rtt;
	uint64_t bandwidth;
} lsquic_conn_t;

struct lsquic_conn_info {
	uint32_t lci_cwnd, lci_pmtu, lci_rtt, lci_rtt_min;
	uint64_t lci_bytes_sent, lci_pkts_lost, lci_bw_estimate;
};

static int lsquic_conn_get_info(lsquic_conn_t *c, struct lsquic_conn_info *info)
{
	*info = (struct lsquic_conn_info){.lci_cwnd = c->cwnd,
					  .lci_pmtu = 1350,
					  .lci_rtt = c->rtt,
					  .lci_rtt_min = c->rtt,
					  .lci_bw_estimate = c->bandwidth};
	return 0;
}

static int lsquic_conn_get_sockaddr(lsquic_conn_t *c, const struct sockaddr **local,
				    const struct sockaddr **peer)
{
	*local = *peer = (const struct sockaddr *)&c->peer;
	return 0;
}

#include "tcpresume_lsquic.h"

static int parse_peer(const char *address, const char *port, struct sockaddr_storage *peer)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)peer;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)peer;

	if (inet_pton(AF_INET, address, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)atoi(port));
		return 0;
	}
	if (inet_pton(AF_INET6, address, &v6->sin6_addr) != 1)
		return -1;
	v6->sin6_family = AF_INET6;
	v6->sin6_port = htons((uint16_t)atoi(port));
	return 0;
}

int main(int argc, char **argv)
{
	static lsquic_conn_t conn;

	if (argc != 6 || parse_peer(argv[1], argv[2], &conn.peer)) {
		fprintf(stderr, "usage: %s ADDRESS PORT CWND RTT_US BANDWIDTH_BITS\n", argv[0]);
		return 2;
	}
	conn.cwnd = (uint32_t)strtoul(argv[3], NULL, 10);
	conn.rtt = (uint32_t)strtoul(argv[4], NULL, 10);
	conn.bandwidth = strtoull(argv[5], NULL, 10);
	errno = 0;
	tcpresume_lsquic(&conn);
	if (errno) {
		perror(TCPRESUME_SOCKET);
		return 1;
	}
	printf("a stream to %s closed: window %u bytes, rtt %u us, %llu bit/s\n", argv[1],
	       conn.cwnd, conn.rtt, (unsigned long long)conn.bandwidth);
	return 0;
}
