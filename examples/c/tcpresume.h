/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reports the state of QUIC connections to the tcpresume agent of this machine:
 * one header, one sendto() for each report, no library, no thread. For C and C++.
 *
 *	static int tcpresume = -1;          // one for each process
 *	tcpresume = tcpresume_open();
 *	struct tcpresume_report r = { .peer = (struct sockaddr *)&addr, .cwnd = 345678, .min_rtt_us
 *= 21000 }; tcpresume_send(tcpresume, NULL, &r);
 *
 * When: at the end of a response and once a second while a connection sends,
 * but not before 64 KiB more were sent, and when it ends. Nothing blocks; an
 * agent that is away costs a system call and -1, which can be ignored: the
 * socket is not connected, so that a restarted agent is found again by itself.
 */
#ifndef TCPRESUME_H
#define TCPRESUME_H

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef TCPRESUME_SOCKET
#define TCPRESUME_SOCKET "/run/tcpresume/report"
#endif

/* What is 0 or NULL is not known; peer and cwnd are required. */
struct tcpresume_report {
	const struct sockaddr *peer; /* AF_INET or AF_INET6, the present address */
	const char *id; /* names the connection; printable ASCII without quotes and backslashes */
	int closing; /* the last report of the connection */
	uint64_t cwnd; /* bytes */
	uint64_t ssthresh; /* bytes; what a stack calls infinite is not known */
	uint64_t min_rtt_us, srtt_us;
	uint64_t bandwidth; /* bytes per second */
	uint64_t sent; /* bytes since the connection began */
	uint64_t lost; /* packets since the connection began */
	uint32_t mss; /* payload of a datagram */
	const char *cc; /* "cubic", "reno", "bbr" */
};

static inline int tcpresume_open(void)
{
	return socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

/* An IPv4 client of a dual-stack socket is written as IPv4: TCP may come by an IPv4 socket. */
static inline int tcpresume_address(const struct sockaddr *peer, char *text, socklen_t size,
				    uint16_t *port)
{
	if (peer->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, peer, sizeof(v4));
		*port = ntohs(v4.sin_port);
		return inet_ntop(AF_INET, &v4.sin_addr, text, size) ? 0 : -1;
	}
	if (peer->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, peer, sizeof(v6));
		*port = ntohs(v6.sin6_port);
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
			return inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text, size) ? 0 : -1;
		return inet_ntop(AF_INET6, &v6.sin6_addr, text, size) ? 0 : -1;
	}
	errno = EAFNOSUPPORT;
	return -1;
}

/* Writes the message; returns its length, or -1 with errno. */
static inline int tcpresume_format(char *text, size_t size, const struct tcpresume_report *r)
{
	char addr[INET6_ADDRSTRLEN];
	uint16_t port = 0;
	size_t len;
	int n;

	if (tcpresume_address(r->peer, addr, sizeof(addr), &port))
		return -1;
	n = snprintf(text, size,
		     "{\"v\":1,\"ev\":\"%s\",\"ip\":\"%s\",\"port\":%u,\"cwnd\":%" PRIu64,
		     r->closing ? "close" : "tick", addr, (unsigned int)port, r->cwnd);
	len = n < 0 ? size : (size_t)n;
#define TCPRESUME_FIELD(known, format, value)                                                      \
	do {                                                                                       \
		if (len < size && (known)) {                                                       \
			n = snprintf(text + len, size - len, format, value);                       \
			len = n < 0 ? size : len + (size_t)n;                                      \
		}                                                                                  \
	} while (0)
	TCPRESUME_FIELD(r->id, ",\"id\":\"%s\"", r->id);
	TCPRESUME_FIELD(r->cc, ",\"cc\":\"%s\"", r->cc);
	TCPRESUME_FIELD(r->ssthresh, ",\"ssthresh\":%" PRIu64, r->ssthresh);
	TCPRESUME_FIELD(r->min_rtt_us, ",\"min_rtt_us\":%" PRIu64, r->min_rtt_us);
	TCPRESUME_FIELD(r->srtt_us, ",\"srtt_us\":%" PRIu64, r->srtt_us);
	TCPRESUME_FIELD(r->bandwidth, ",\"bw\":%" PRIu64, r->bandwidth);
	TCPRESUME_FIELD(r->sent, ",\"sent\":%" PRIu64, r->sent);
	TCPRESUME_FIELD(r->lost, ",\"lost\":%" PRIu64, r->lost);
	TCPRESUME_FIELD(r->mss, ",\"mss\":%" PRIu32, r->mss);
	TCPRESUME_FIELD(1, "%s", "}");
#undef TCPRESUME_FIELD
	if (len >= size) {
		errno = EMSGSIZE;
		return -1;
	}
	return (int)len;
}

/*
 * Sends one report; socket NULL is the usual one. Returns 0, or -1 with errno:
 * ENOENT or ECONNREFUSED without an agent, EAGAIN if it does not keep up,
 * EACCES if this user may not reach it.
 */
static inline int tcpresume_send(int fd, const char *socket, const struct tcpresume_report *r)
{
	struct sockaddr_un to;
	char text[1024];
	int len = tcpresume_format(text, sizeof(text), r);
	ssize_t n;

	if (len < 0)
		return -1;
	if (!socket)
		socket = TCPRESUME_SOCKET;
	if (strlen(socket) >= sizeof(to.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memset(&to, 0, sizeof(to));
	to.sun_family = AF_UNIX;
	memcpy(to.sun_path, socket, strlen(socket) + 1);
	n = sendto(fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *)&to,
		   sizeof(to));
	return n < 0 ? -1 : 0;
}

#endif
