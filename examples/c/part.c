/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plays OpenLiteSpeed's part: it has one connection of lsquic after the other, at
 * the same place in memory, and does with it what the command line says. What
 * reports is the very code that openlitespeed.patch calls.
 *
 *	part ADDRESS PORT STEP...
 *
 *	new:CID                a connection begins; CID are hexadecimal digits
 *	write:SENT:CWND:RTT    a stream may be written to: bytes, bytes, microseconds
 *	closed                 the connection ends
 *	second                 a second goes by
 */
#include <stdlib.h>
#include <time.h>

#include "tcpresume.h"

/* The part of lsquic.h that is played. */
#define MAX_CID_LEN 20
#define idbuf buf

typedef struct lsquic_cid {
	uint8_t buf[MAX_CID_LEN];
	uint_fast8_t len;
} lsquic_cid_t;

struct lsquic_conn_info {
	uint32_t lci_cwnd, lci_pmtu, lci_rtt, lci_rtt_min;
	uint64_t lci_bytes_sent, lci_pkts_lost, lci_bw_estimate;
};

typedef struct lsquic_conn {
	struct sockaddr_storage peer;
	lsquic_cid_t cid;
	struct lsquic_conn_info info;
} lsquic_conn_t;

static const lsquic_cid_t *lsquic_conn_id(const lsquic_conn_t *c)
{
	return &c->cid;
}

static int lsquic_conn_get_info(lsquic_conn_t *c, struct lsquic_conn_info *info)
{
	*info = c->info;
	return 0;
}

static int lsquic_conn_get_sockaddr(lsquic_conn_t *c, const struct sockaddr **local,
				    const struct sockaddr **peer)
{
	*local = *peer = (const struct sockaddr *)&c->peer;
	return 0;
}

static time_t clock_of_part = 1000;
#define time(unused) clock_of_part
#include "tcpresume_lsquic.h"
#undef time

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

static int begin(lsquic_conn_t *conn, const char *digits)
{
	unsigned int byte;

	memset(&conn->cid, 0, sizeof(conn->cid));
	memset(&conn->info, 0, sizeof(conn->info));
	for (; *digits; digits += 2) {
		if (conn->cid.len == MAX_CID_LEN || sscanf(digits, "%2x", &byte) != 1 || !digits[1])
			return -1;
		conn->cid.buf[conn->cid.len++] = (uint8_t)byte;
	}
	return 0;
}

static int play(lsquic_conn_t *conn, const char *step)
{
	unsigned long long sent;
	unsigned int cwnd, rtt;

	if (!strncmp(step, "new:", 4))
		return begin(conn, step + 4);
	if (sscanf(step, "write:%llu:%u:%u", &sent, &cwnd, &rtt) == 3) {
		conn->info.lci_bytes_sent = sent;
		conn->info.lci_cwnd = cwnd;
		conn->info.lci_rtt = conn->info.lci_rtt_min = rtt;
		conn->info.lci_pmtu = 1350;
		conn->info.lci_bw_estimate = 1000000; /* of a connection that was mostly idle */
		tcpresume_lsquic(conn);
	} else if (!strcmp(step, "closed")) {
		tcpresume_lsquic_closed(conn);
	} else if (!strcmp(step, "second")) {
		clock_of_part++;
	} else {
		return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static lsquic_conn_t conn;
	int i;

	if (argc < 4 || parse_peer(argv[1], argv[2], &conn.peer)) {
		fprintf(stderr,
			"usage: %s ADDRESS PORT STEP...; part.c says which steps there are\n",
			argv[0]);
		return 2;
	}
	for (i = 3; i < argc; i++) {
		errno = 0;
		if (play(&conn, argv[i])) {
			fprintf(stderr, "%s: no such step; part.c says which there are\n", argv[i]);
			return 2;
		}
		if (errno) {
			perror(TCPRESUME_SOCKET);
			return 1;
		}
	}
	return 0;
}
