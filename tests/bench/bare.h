/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What bare.c (streams) and its protocols share: a peer with a receive buffer
 * and a list of pieces to send, and what a protocol does with them.
 */
#ifndef TESTS_BENCH_BARE_H
#define TESTS_BENCH_BARE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
	BARE_RX_BYTES = 256 << 10,
	BARE_TRANSFER_MAX = 4 << 20,
	BARE_REPLIES = 256, /* per send; two pieces each, below IOV_MAX */
	BARE_HEAD_MAX = 48,
};

struct bare_peer {
	int fd;
	size_t have; /* of an incomplete request in rx */
	uint64_t skip; /* write payload still to come */
	bool writing; /* and after it: answer this request */
	uint8_t pending[BARE_HEAD_MAX];
	uint32_t statsn; /* iSCSI */
	uint32_t replies, pieces;
	uint8_t headers[BARE_REPLIES * BARE_HEAD_MAX];
	struct iovec iov[2 * BARE_REPLIES];
	uint8_t rx[BARE_RX_BYTES];
};

struct bare_proto {
	const char *name;
	size_t request_bytes; /* a request without its payload */
	bool (*handshake)(int fd); /* blocks */
	/* A request: answers it, or leaves it in pending with the bytes to skip.
	 * False: the peer goes. */
	bool (*request)(struct bare_peer *p, const uint8_t *r);
	bool (*written)(struct bare_peer *p); /* the payload of pending was skipped */
};

extern const struct bare_proto bare_nbd_proto, bare_iscsi_proto;
extern const uint64_t bare_size_bytes; /* of the volume that there is not */
extern uint8_t bare_blank[BARE_TRANSFER_MAX]; /* what every read brings */

/* No stream: serves AoE on an interface until that fails; the exit status. */
int bare_aoe(const char *interface);

/* False: the peer goes. */
bool bare_read(int fd, void *buf, size_t len);
bool bare_write(int fd, const void *buf, size_t len);

/* A header of this many bytes to be filled, with bytes of payload behind it (of no
 * content).  Null: the peer goes. */
uint8_t *bare_reply(struct bare_peer *p, size_t header_bytes, uint32_t bytes);
/* The same with a payload of its own, which must stay. */
uint8_t *bare_reply_with(struct bare_peer *p, size_t header_bytes, const void *payload,
			 uint32_t bytes);
/* Payload of this request is to come. */
bool bare_skip(struct bare_peer *p, const uint8_t *request, size_t request_bytes, uint64_t bytes);

#endif
