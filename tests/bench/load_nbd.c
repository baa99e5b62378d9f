/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NBD for the load client: fixed newstyle handshake with NBD_OPT_GO, then
 * READ and WRITE, simple replies (structured ones on request).  The cookie of
 * a request is its slot number.  Over load_stream.c; proto.md of NBD names
 * all numbers.
 */
#include "config.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/load_conn.h"
#include "tests/bench/load_stream.h"

#define MAGIC_OPTION 0x49484156454f5054ull /* "IHAVEOPT" */
#define MAGIC_OPTION_REPLY 0x3e889045565a9ull
#define MAGIC_REQUEST 0x25609513u
#define MAGIC_SIMPLE 0x67446698u
#define MAGIC_STRUCTURED 0x668e33efu

enum {
	OPT_GO = 7,
	OPT_STRUCTURED = 8,
	REP_ACK = 1,
	REP_INFO = 3,
	CMD_READ = 0,
	CMD_WRITE = 1,
	CMD_DISC = 2,
	REQUEST_BYTES = 28,
	SIMPLE_BYTES = 16,
	CHUNK_BYTES = 20,
	CHUNK_DONE = 1,
	CHUNK_ERROR = 0x8000,
};

static void put16(uint8_t *p, uint16_t v)
{
	v = htobe16(v);
	memcpy(p, &v, 2);
}

static void put32(uint8_t *p, uint32_t v)
{
	v = htobe32(v);
	memcpy(p, &v, 4);
}

static void put64(uint8_t *p, uint64_t v)
{
	v = htobe64(v);
	memcpy(p, &v, 8);
}

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return be16toh(v);
}

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return be32toh(v);
}

static uint64_t get64(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, 8);
	return be64toh(v);
}

static int refuse(const char *why)
{
	fprintf(stderr, "load: nbd: %s\n", why);
	return -1;
}

static int send_option(int fd, uint32_t option, const void *data, size_t len)
{
	uint8_t buf[16 + 4096];

	put64(buf, MAGIC_OPTION);
	put32(buf + 8, option);
	put32(buf + 12, (uint32_t)len);
	if (len > 0)
		memcpy(buf + 16, data, len);
	return load_stream_write(fd, buf, 16 + len);
}

/* One option reply; info holds up to max bytes of it.  Returns its type. */
static int64_t read_reply(int fd, uint8_t *info, size_t max, size_t *len)
{
	uint8_t head[20];

	if (load_stream_read(fd, head, sizeof(head)) < 0)
		return -1;
	*len = get32(head + 16);
	if (get64(head) != MAGIC_OPTION_REPLY || *len > max)
		return refuse("no option reply");
	if (*len > 0 && load_stream_read(fd, info, *len) < 0)
		return -1;
	return get32(head + 12);
}

static int opt_structured(int fd)
{
	uint8_t info[4096];
	size_t len;

	if (send_option(fd, OPT_STRUCTURED, NULL, 0) < 0)
		return -1;
	if (read_reply(fd, info, sizeof(info), &len) != REP_ACK)
		return refuse("the server has no structured replies");
	return 0;
}

static int opt_go(struct load_conn *c, int fd)
{
	const char *name = c->plan->export_name;
	size_t name_len = strlen(name), len;
	uint8_t buf[4096];
	int64_t type;

	if (name_len > sizeof(buf) - 6)
		return refuse("export name too long");
	put32(buf, (uint32_t)name_len);
	memcpy(buf + 4, name, name_len);
	put16(buf + 4 + name_len, 0);
	if (send_option(fd, OPT_GO, buf, name_len + 6) < 0)
		return -1;
	while ((type = read_reply(fd, buf, sizeof(buf), &len)) == REP_INFO)
		if (len >= 12 && get16(buf) == 0)
			c->size_bytes = get64(buf + 2);
	if (type == REP_ACK)
		return 0;
	fprintf(stderr, "load: nbd: export '%s' refused (0x%llx)\n", name,
		(unsigned long long)type);
	return -1;
}

static int handshake(struct load_conn *c, int fd)
{
	uint8_t hello[18], flags[4] = { 0, 0, 0, 3 }; /* fixed, no zeroes */

	if (load_stream_read(fd, hello, sizeof(hello)) < 0)
		return -1;
	if (memcmp(hello, "NBDMAGIC", 8) != 0 || get64(hello + 8) != MAGIC_OPTION ||
	    !(get16(hello + 16) & 1))
		return refuse("not a fixed newstyle server");
	flags[3] = (uint8_t)(get16(hello + 16) & 3);
	if (load_stream_write(fd, flags, sizeof(flags)) < 0)
		return -1;
	if (c->plan->structured && opt_structured(fd) < 0)
		return -1;
	return opt_go(c, fd);
}

static int parse_chunk(struct load_conn *c, const uint8_t *p, size_t n, struct load_reply *r)
{
	uint64_t slot;

	if (n < CHUNK_BYTES)
		return 0;
	slot = get64(p + 8);
	if (slot >= c->depth)
		return refuse("a reply to nothing");
	r->skip_bytes = get32(p + 16);
	if (r->skip_bytes > LOAD_SKIP_MAX)
		return refuse("a chunk larger than what was asked for");
	if (get16(p + 6) & CHUNK_ERROR)
		c->slots[slot].failed = true;
	r->slot = get16(p + 4) & CHUNK_DONE ? (int64_t)slot : -1;
	r->failed = false;
	return CHUNK_BYTES;
}

static int parse(struct load_conn *c, const uint8_t *p, size_t n, struct load_reply *r)
{
	uint64_t slot;

	if (n >= 4 && get32(p) == MAGIC_STRUCTURED)
		return parse_chunk(c, p, n, r);
	if (n < SIMPLE_BYTES)
		return 0;
	if (get32(p) != MAGIC_SIMPLE)
		return refuse("not a reply");
	slot = get64(p + 8);
	if (slot >= c->depth)
		return refuse("a reply to nothing");
	r->slot = (int64_t)slot;
	r->failed = get32(p + 4) != 0;
	r->skip_bytes = 0;
	if (!r->failed && !c->slots[slot].write)
		r->skip_bytes = c->plan->block_bytes;
	return SIMPLE_BYTES;
}

static void put_request(uint8_t *p, uint16_t command, uint64_t cookie, uint64_t offset,
			uint32_t len)
{
	put32(p, MAGIC_REQUEST);
	put16(p + 4, 0);
	put16(p + 6, command);
	put64(p + 8, cookie);
	put64(p + 16, offset);
	put32(p + 24, len);
}

static void build(struct load_conn *c, uint32_t slot)
{
	const struct load_slot *s = &c->slots[slot];
	uint32_t len = c->plan->block_bytes;

	put_request(load_stream_header(c->priv, REQUEST_BYTES), s->write ? CMD_WRITE : CMD_READ,
		    slot, s->offset_bytes, len);
	if (s->write)
		load_stream_payload(c->priv, c->payload, len);
}

static int connect_nbd(struct load_conn *c)
{
	c->fd = load_stream_dial(c->plan->target);
	if (c->fd < 0)
		return -1;
	c->priv = load_stream_new(parse);
	if (!c->priv)
		return refuse("out of memory");
	return handshake(c, c->fd);
}

static int flush_nbd(struct load_conn *c)
{
	return load_stream_flush(c->priv, c->fd);
}

static int receive_nbd(struct load_conn *c, bool wait)
{
	return load_stream_receive(c->priv, c, wait);
}

static void close_nbd(struct load_conn *c)
{
	struct load_stream *s = c->priv;

	if (s && s->iov_sent == s->iov_used) {
		put_request(load_stream_header(s, REQUEST_BYTES), CMD_DISC, 0, 0, 0);
		load_stream_flush(s, c->fd);
	}
	load_stream_free(&s);
	c->priv = NULL;
	if (c->fd >= 0)
		close(c->fd);
}

const struct load_proto load_nbd_proto = {
	.name = "nbd",
	.connect = connect_nbd,
	.build = build,
	.flush = flush_nbd,
	.receive = receive_nbd,
	.close = close_nbd,
};
