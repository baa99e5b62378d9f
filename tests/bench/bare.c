/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * bare: the server that only moves bytes.  It has a protocol's wire shape
 * (bare_nbd.c, bare_iscsi.c; bare_aoe.c is for itself), answers every read from
 * one static buffer and drops what is written: what remains is the client, the
 * loopback and the copies in and out of the kernel.  The upper bound that "make
 * bench" holds every server against.  It trusts its peer: a tool for the bench,
 * never a server.  One thread; blocking recv and one gathered send per batch for
 * one connection, epoll before them for more.
 */
#include "config.h"

#include "tests/bench/bare.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static const struct bare_proto *const protos[] = { &bare_nbd_proto, &bare_iscsi_proto };
static const struct bare_proto *proto = &bare_nbd_proto;
uint8_t bare_blank[BARE_TRANSFER_MAX];
const uint64_t bare_size_bytes = 1ull << 30;
static struct bare_peer *lone; /* the only connection, if it is */
static unsigned peers;

bool bare_read(int fd, void *buf, size_t len)
{
	return len == 0 || recv(fd, buf, len, MSG_WAITALL) == (ssize_t)len;
}

bool bare_write(int fd, const void *buf, size_t len)
{
	return send(fd, buf, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool flush(struct bare_peer *p)
{
	struct msghdr m = { .msg_iov = p->iov, .msg_iovlen = p->pieces };

	while (m.msg_iovlen > 0) {
		ssize_t n = sendmsg(p->fd, &m, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			return false;
		while (n > 0 && (size_t)n >= m.msg_iov->iov_len) {
			n -= (ssize_t)m.msg_iov->iov_len;
			m.msg_iov++;
			m.msg_iovlen--;
		}
		if (n > 0) {
			struct iovec *v = m.msg_iov;

			v->iov_base = (uint8_t *)v->iov_base + n;
			v->iov_len -= (size_t)n;
		}
	}
	p->replies = p->pieces = 0;
	return true;
}

static void piece(struct bare_peer *p, const void *base, size_t len)
{
	struct iovec *v = p->iov + p->pieces;

	if (p->pieces > 0 && (uint8_t *)v[-1].iov_base + v[-1].iov_len == base) {
		v[-1].iov_len += len;
		return;
	}
	v->iov_base = (void *)(uintptr_t)base;
	v->iov_len = len;
	p->pieces++;
}

uint8_t *bare_reply_with(struct bare_peer *p, size_t header_bytes, const void *payload,
			 uint32_t bytes)
{
	uint8_t *h;

	if (p->replies == BARE_REPLIES && !flush(p))
		return NULL;
	h = p->headers + p->replies++ * header_bytes;
	piece(p, h, header_bytes);
	if (bytes > 0)
		piece(p, payload, bytes);
	return h;
}

uint8_t *bare_reply(struct bare_peer *p, size_t header_bytes, uint32_t bytes)
{
	return bare_reply_with(p, header_bytes, bare_blank, bytes);
}

bool bare_skip(struct bare_peer *p, const uint8_t *request, size_t request_bytes, uint64_t bytes)
{
	p->skip = bytes;
	p->writing = true;
	memcpy(p->pending, request, request_bytes);
	return true;
}

/* One batch: what a recv brings, then one send. */
static bool take(struct bare_peer *p, size_t n)
{
	size_t at = 0;

	for (;;) {
		size_t skip = n - at < p->skip ? n - at : p->skip;

		at += skip;
		p->skip -= skip;
		if (p->skip > 0)
			break;
		if (p->writing && !proto->written(p))
			return false;
		p->writing = false;
		if (n - at < proto->request_bytes)
			break;
		if (!proto->request(p, p->rx + at))
			return false;
		at += proto->request_bytes;
	}
	p->have = n - at;
	memmove(p->rx, p->rx + at, p->have);
	return p->pieces == 0 || flush(p);
}

/* 1: a batch was served, 0: nothing came in time; -1: the peer is gone. */
static int serve(struct bare_peer *p, int flags)
{
	ssize_t n = recv(p->fd, p->rx + p->have, BARE_RX_BYTES - p->have, flags);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n > 0 && take(p, p->have + (size_t)n))
		return 1;
	close(p->fd);
	free(p);
	peers--;
	lone = NULL;
	return -1;
}

static void admit(int epoll, int listener)
{
	struct timeval wait = { .tv_usec = 20000 };
	struct epoll_event ev = { .events = EPOLLIN };
	struct bare_peer *p;
	int one = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	p = proto->handshake(fd) ? calloc(1, sizeof(*p)) : NULL;
	if (!p) {
		close(fd);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
	p->fd = fd;
	ev.data.ptr = p;
	epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ev);
	lone = ++peers == 1 ? p : NULL;
}

/* The only peer there is needs no epoll, but a look now and then for others. */
static void serve_lone(void)
{
	int turns = 256;

	while (turns-- > 0 && lone)
		if (serve(lone, 0) == 0)
			return;
}

static void loop(int listener)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = NULL }, e[64];

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &ev);
	for (;;) {
		int i, n = epoll_wait(epoll, e, 64, lone ? 0 : -1);

		for (i = 0; i < n; i++) {
			if (e[i].data.ptr)
				serve(e[i].data.ptr, MSG_DONTWAIT);
			else
				admit(epoll, listener);
		}
		serve_lone();
	}
}

static int listen_unix(const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (strlen(path) >= sizeof(sun.sun_path))
		return -1;
	memcpy(sun.sun_path, path, strlen(path));
	unlink(path);
	if (bind(fd, (void *)&sun, sizeof(sun)) < 0 || listen(fd, 64) < 0)
		return -1;
	return fd;
}

static int listen_tcp(const char *port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	sin.sin_port = htons((uint16_t)strtoul(port, NULL, 10));
	sin.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (void *)&sin, sizeof(sin)) < 0 || listen(fd, 64) < 0)
		return -1;
	return fd;
}

int main(int argc, char **argv)
{
	int fd;

	/* touched, so that it is memory and not the zero page */
	memset(bare_blank, 0x5a, sizeof(bare_blank));
	if (argc == 3 && strcmp(argv[2], "aoe") == 0)
		return bare_aoe(argv[1]);
	for (size_t i = 0; argc == 3 && i < sizeof(protos) / sizeof(protos[0]); i++)
		if (strcmp(protos[i]->name, argv[2]) == 0) {
			proto = protos[i];
			argc = 2;
		}
	if (argc != 2 || argv[1][0] == '-') {
		fprintf(stderr, "usage: bare PORT|unix:PATH [nbd|iscsi]\n"
				"       bare INTERFACE aoe\n");
		return 2;
	}
	if (strncmp(argv[1], "unix:", 5) == 0)
		fd = listen_unix(argv[1] + 5);
	else
		fd = listen_tcp(argv[1]);
	if (fd < 0) {
		fprintf(stderr, "bare: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	printf("ready\n");
	fflush(stdout);
	loop(fd);
}
