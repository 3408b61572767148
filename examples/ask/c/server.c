/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A server that learns who its client is with the second request, as behind
 * TLS and a cookie, and asks for the connection then.
 *
 *	cc -o server server.c && ./server PORT [CWND_BYTES RTT_US]
 *
 * It serves one connection: one byte asks for 4 kB, the next for 1 MB. Without
 * the last two arguments it does not ask.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tcpresume_ask.h"

static int answer(int fd, size_t size)
{
	static char zeroes[1 << 16];
	char request;

	if (read(fd, &request, 1) != 1)
		return -1;
	while (size) {
		ssize_t n = write(fd, zeroes, size < sizeof(zeroes) ? size : sizeof(zeroes));

		if (n < 0)
			return -1;
		size -= n;
	}
	return 0;
}

static void ask(int fd, uint32_t cwnd, uint32_t rtt_us)
{
	if (tcpresume_ask_state(fd, cwnd, 0, rtt_us))
		printf("asked for %u bytes: refused, %s\n", cwnd, strerror(errno));
	else
		printf("asked for %u bytes: granted\n", cwnd);
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 addr = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_ANY_INIT};
	struct tcpresume_answer seen;
	int fd, listener = socket(AF_INET6, SOCK_STREAM, 0);
	char end;

	if (argc != 2 && argc != 4) {
		fprintf(stderr, "usage: %s PORT [CWND_BYTES RTT_US]\n", argv[0]);
		return 2;
	}
	addr.sin6_port = htons(atoi(argv[1]));
	if (listener < 0 || bind(listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(listener, 1)) {
		perror("listen");
		return 1;
	}
	puts("listening");
	fflush(stdout);
	fd = accept(listener, NULL, NULL);
	if (fd < 0 || answer(fd, 4000)) {
		perror("first answer");
		return 1;
	}
	if (argc == 4)
		ask(fd, strtoul(argv[2], NULL, 10), strtoul(argv[3], NULL, 10));
	if (answer(fd, 1000000)) {
		perror("second answer");
		return 1;
	}
	if (read(fd, &end, 1) < 0) /* the client has everything */
		return 1;
	if (!tcpresume_read(fd, &seen) && seen.mode != 1)
		printf("window set to %u bytes, phase %u\n", seen.jump_bytes, seen.phase);
	return 0;
}
