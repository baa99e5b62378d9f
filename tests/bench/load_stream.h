/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The part that all protocols over a byte stream share: batched gathered
 * sends, batched receives, payload that is received but not looked at.
 *
 *   build ─▶ load_stream_header/payload ─▶ iov[] ─▶ one sendmsg per batch
 *   one recv per batch ─▶ rx[] ─▶ parse, one reply at a time ─▶ skip payload
 *
 * Payload is always copied out of the socket into the same small buffer, as
 * clients of the peers do it: no MSG_TRUNC, for which the kernel copies
 * nothing and every server would look better than it is.
 */
#ifndef TESTS_BENCH_LOAD_STREAM_H
#define TESTS_BENCH_LOAD_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "tests/bench/load_conn.h"

enum {
	LOAD_STREAM_RX_BYTES = 256 << 10,
	LOAD_STREAM_IOVS = 8192,
	LOAD_STREAM_HEADER_BYTES = 256 << 10,
};

struct load_reply {
	uint64_t skip_bytes; /* payload that follows and is not looked at */
	int64_t slot; /* done once that is skipped; -1: not yet done */
	bool failed;
};

/*
 * Look at n > 0 bytes.  Returns the length of the header at p and fills *r,
 * 0 if more bytes are needed, -1 if this is no reply (after telling why).
 */
typedef int load_stream_parse(struct load_conn *c, const uint8_t *p, size_t n,
			      struct load_reply *r);

struct load_stream {
	load_stream_parse *parse;
	/* out: iov[sent..used) is still to go */
	uint32_t iov_sent, iov_used;
	uint32_t header_used;
	struct iovec *iov;
	uint8_t *headers;
	/* in: rx[0..have) is an incomplete header */
	size_t have;
	struct load_reply reply; /* whose payload is being skipped */
	uint8_t *rx;
};

/* TCP (HOST:PORT) or unix:PATH; returns a descriptor or -1, having said why */
int load_stream_dial(const char *target);
int load_stream_read(int fd, void *buf, size_t len); /* login only */
int load_stream_write(int fd, const void *buf, size_t len);

struct load_stream *load_stream_new(load_stream_parse *parse);
void load_stream_free(struct load_stream **s);

/* Room for a header of len bytes at the end of what is queued. */
uint8_t *load_stream_header(struct load_stream *s, size_t len);
/* Queue bytes that stay where they are until they are sent. */
void load_stream_payload(struct load_stream *s, const void *p, size_t len);
int load_stream_flush(struct load_stream *s, int fd);
int load_stream_receive(struct load_stream *s, struct load_conn *c, bool wait);

#endif
