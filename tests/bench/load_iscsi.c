/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * iSCSI for the load client: READ(10) and WRITE(10), a session of one
 * connection, immediate data as far as it is allowed, then unsolicited, then
 * by R2T.  The initiator task tag of a request is its slot number.  Over
 * load_stream.c.  With digests ours are right and those of heads are checked;
 * read data is not looked at, so its digest is not either.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/bytes.h"
#include "gateway/base/crc32c.h"
#include "gateway/base/num.h"
#include "tests/bench/load_iscsi.h"

enum {
	AT_STATUS = 3,
	AT_DATASN = 36,
	AT_OFFSET = 40, /* of Data-Out and R2T */
	AT_DESIRED = 44, /* of R2T */
	DATA_IN_STATUS = 1, /* flags of Data-In: the S bit */
	RESIDUALS = 6, /* overflow, underflow */
	SUMS = 64,
};

/* The digest of a part of the payload, which never changes: most are asked for
 * again and again. */
struct load_iscsi_sum {
	uint32_t from, bytes, crc;
};

static struct load_iscsi *of(struct load_conn *c)
{
	return c->priv;
}

/* ---- what we send ----------------------------------------------------------- */

static uint8_t *new_head(struct load_iscsi *s)
{
	uint8_t *p = load_stream_header(s->stream,
					LOAD_ISCSI_HEAD + (s->digests ? LOAD_ISCSI_DIGEST : 0));

	memset(p, 0, LOAD_ISCSI_HEAD);
	be32_put(p + LOAD_ISCSI_AT_EXPSTATSN, s->exp_statsn);
	return p;
}

static uint32_t payload_sum(struct load_conn *c, uint32_t from, uint32_t bytes)
{
	struct load_iscsi_sum *sum = &of(c)->sums[from / 4096 % SUMS];

	if (sum->from != from || sum->bytes != bytes)
		*sum = (struct load_iscsi_sum){ from, bytes, crc32c(0, c->payload + from, bytes) };
	return sum->crc;
}

/* The head is filled: its digest, then data [from, from + bytes) of the payload. */
static void finish(struct load_conn *c, uint8_t *head, uint32_t from, uint32_t bytes)
{
	struct load_iscsi *s = of(c);

	be24_put(head + LOAD_ISCSI_AT_LENGTH, bytes);
	if (s->digests)
		le32_put(head + LOAD_ISCSI_HEAD, crc32c(0, head, LOAD_ISCSI_HEAD));
	if (bytes == 0)
		return;
	load_stream_payload(s->stream, c->payload + from, bytes);
	if (s->digests)
		le32_put(load_stream_header(s->stream, LOAD_ISCSI_DIGEST),
			 payload_sum(c, from, bytes));
}

/* A sequence of Data-Out. */
static void put_data(struct load_conn *c, uint32_t slot, uint32_t ttt, uint32_t from,
		     uint32_t bytes)
{
	struct load_iscsi *s = of(c);
	uint32_t datasn = 0;

	while (bytes > 0) {
		uint32_t n = (uint32_t)num_min(bytes, s->send_max);
		uint8_t *p = new_head(s);

		p[0] = LOAD_ISCSI_DATA_OUT;
		p[1] = n == bytes ? LOAD_ISCSI_FINAL : 0;
		if (ttt != LOAD_ISCSI_NO_TAG)
			be64_put(p + LOAD_ISCSI_AT_LUN, s->lun);
		be32_put(p + LOAD_ISCSI_AT_ITT, slot);
		be32_put(p + LOAD_ISCSI_AT_TTT, ttt);
		be32_put(p + AT_DATASN, datasn++);
		be32_put(p + AT_OFFSET, from);
		finish(c, p, from, n);
		from += n;
		bytes -= n;
	}
}

/* A command, and of a write what may go without being asked for. */
static void put_command(struct load_conn *c, uint32_t slot)
{
	struct load_iscsi *s = of(c);
	const struct load_slot *req = &c->slots[slot];
	uint32_t len = c->plan->block_bytes, at_once = 0, unasked = 0;
	uint8_t *p = new_head(s);

	if (req->write && s->immediate)
		at_once = (uint32_t)num_min(len, num_min(s->first_burst, s->send_max));
	if (req->write && !s->r2t_first)
		unasked = (uint32_t)num_min(len, s->first_burst) - at_once;
	p[0] = LOAD_ISCSI_COMMAND;
	p[1] = LOAD_ISCSI_SIMPLE | (req->write ? LOAD_ISCSI_WRITE : LOAD_ISCSI_READ) |
	       (unasked == 0 ? LOAD_ISCSI_FINAL : 0);
	be64_put(p + LOAD_ISCSI_AT_LUN, s->lun);
	be32_put(p + LOAD_ISCSI_AT_ITT, slot);
	be32_put(p + 20, len);
	be32_put(p + LOAD_ISCSI_AT_CMDSN, s->cmdsn++);
	p[32] = req->write ? 0x2a : 0x28;
	be32_put(p + 34, (uint32_t)(req->offset_bytes / s->block_bytes));
	be16_put(p + 39, (uint16_t)(len / s->block_bytes));
	finish(c, p, 0, at_once);
	s->got[slot] = 0;
	put_data(c, slot, LOAD_ISCSI_NO_TAG, at_once, unasked);
}

static bool window_is_open(const struct load_iscsi *s)
{
	return (int32_t)(s->max_cmdsn - s->cmdsn) >= 0;
}

static void build(struct load_conn *c, uint32_t slot)
{
	struct load_iscsi *s = of(c);

	if (s->n_parked == 0 && window_is_open(s)) {
		put_command(c, slot);
		return;
	}
	s->parked[(s->parked_from + s->n_parked++) % c->depth] = slot;
}

static void take_numbers(struct load_conn *c, const uint8_t *p)
{
	struct load_iscsi *s = of(c);
	uint32_t max = be32_get(p + LOAD_ISCSI_AT_MAXCMDSN);

	if ((int32_t)(max - s->max_cmdsn) > 0)
		s->max_cmdsn = max;
	while (s->n_parked > 0 && window_is_open(s)) {
		uint32_t slot = s->parked[s->parked_from];

		s->parked_from = (s->parked_from + 1) % c->depth;
		s->n_parked--;
		put_command(c, slot);
	}
}

/* The server asks whether we are there: what it sent comes back without data. */
static void put_pong(struct load_conn *c, const uint8_t *ping)
{
	struct load_iscsi *s = of(c);
	uint8_t *p;

	if (be32_get(ping + LOAD_ISCSI_AT_TTT) == LOAD_ISCSI_NO_TAG)
		return;
	p = new_head(s);
	p[0] = LOAD_ISCSI_NOP_OUT | LOAD_ISCSI_IMMEDIATE;
	p[1] = LOAD_ISCSI_FINAL;
	memcpy(p + LOAD_ISCSI_AT_LUN, ping + LOAD_ISCSI_AT_LUN, 8);
	be32_put(p + LOAD_ISCSI_AT_ITT, LOAD_ISCSI_NO_TAG);
	memcpy(p + LOAD_ISCSI_AT_TTT, ping + LOAD_ISCSI_AT_TTT, 4);
	be32_put(p + LOAD_ISCSI_AT_CMDSN, s->cmdsn);
	finish(c, p, 0, 0);
}

/* ---- what comes ------------------------------------------------------------- */

/* The command is over: good, or with an error that is counted; short of data it
 * would have been too easy. */
static void end_of_command(struct load_conn *c, const uint8_t *p, uint32_t slot,
			   struct load_reply *r)
{
	struct load_iscsi *s = of(c);

	s->exp_statsn = be32_get(p + LOAD_ISCSI_AT_STATSN) + 1;
	r->slot = slot;
	r->failed = p[AT_STATUS] != 0 || (p[1] & RESIDUALS) != 0 ||
		    (!c->slots[slot].write && s->got[slot] != c->plan->block_bytes);
}

static int parse_data_in(struct load_conn *c, const uint8_t *p, uint32_t slot, uint32_t bytes,
			 struct load_reply *r)
{
	uint32_t *got = &of(c)->got[slot];

	*got += bytes;
	if (*got > c->plan->block_bytes)
		return load_iscsi_refuse("more data than was asked for");
	if (p[1] & DATA_IN_STATUS)
		end_of_command(c, p, slot, r);
	return 0;
}

static int parse_r2t(struct load_conn *c, const uint8_t *p, uint32_t slot)
{
	uint32_t from = be32_get(p + AT_OFFSET), bytes = be32_get(p + AT_DESIRED);

	if (!num_inside(from, bytes, c->plan->block_bytes))
		return load_iscsi_refuse("an R2T beyond the command");
	put_data(c, slot, be32_get(p + LOAD_ISCSI_AT_TTT), from, bytes);
	return 0;
}

/* One PDU; its data is left to be skipped. */
static int take_pdu(struct load_conn *c, const uint8_t *p, struct load_reply *r)
{
	uint32_t slot = be32_get(p + LOAD_ISCSI_AT_ITT);

	if (p[0] == LOAD_ISCSI_NOP_IN) {
		put_pong(c, p);
		return 0;
	}
	if (slot >= c->depth)
		return load_iscsi_refuse("a reply to nothing");
	switch (p[0]) {
	case LOAD_ISCSI_DATA_IN:
		return parse_data_in(c, p, slot, be24_get(p + LOAD_ISCSI_AT_LENGTH), r);
	case LOAD_ISCSI_RESPONSE:
		end_of_command(c, p, slot, r);
		r->failed |= p[2] != 0;
		return 0;
	case LOAD_ISCSI_R2T:
		return parse_r2t(c, p, slot);
	default:
		return load_iscsi_refuse("an unexpected PDU");
	}
}

static int parse(struct load_conn *c, const uint8_t *p, size_t n, struct load_reply *r)
{
	struct load_iscsi *s = of(c);
	size_t head = LOAD_ISCSI_HEAD + (s->digests ? LOAD_ISCSI_DIGEST : 0);
	uint32_t bytes;

	if (n < head)
		return 0;
	if (s->digests && crc32c(0, p, LOAD_ISCSI_HEAD) != le32_get(p + LOAD_ISCSI_HEAD))
		return load_iscsi_refuse("a wrong header digest");
	bytes = be24_get(p + LOAD_ISCSI_AT_LENGTH);
	if (p[4] != 0 || bytes > LOAD_ISCSI_RECV_MAX)
		return load_iscsi_refuse("a PDU larger than we take");
	r->skip_bytes = load_iscsi_padded(bytes);
	if (bytes > 0 && s->digests)
		r->skip_bytes += LOAD_ISCSI_DIGEST;
	r->slot = -1;
	r->failed = false;
	if (take_pdu(c, p, r) < 0)
		return -1;
	take_numbers(c, p);
	return (int)head;
}

/* ---- life ------------------------------------------------------------------- */

static int connect_iscsi(struct load_conn *c)
{
	struct load_iscsi *s = calloc(1, sizeof(*s));

	c->priv = s;
	c->fd = load_stream_dial(c->plan->target);
	if (c->fd < 0)
		return -1;
	if (!s)
		return load_iscsi_refuse("out of memory");
	s->stream = load_stream_new(parse);
	s->got = calloc(c->depth, sizeof(*s->got));
	s->parked = calloc(c->depth, sizeof(*s->parked));
	s->sums = calloc(SUMS, sizeof(*s->sums));
	if (!s->stream || !s->got || !s->parked || !s->sums)
		return load_iscsi_refuse("out of memory");
	return load_iscsi_login(s, c);
}

static int flush_iscsi(struct load_conn *c)
{
	return load_stream_flush(of(c)->stream, c->fd);
}

static int receive_iscsi(struct load_conn *c, bool wait)
{
	return load_stream_receive(of(c)->stream, c, wait);
}

static void put_logout(struct load_conn *c)
{
	struct load_iscsi *s = of(c);
	uint8_t *p = new_head(s);

	p[0] = LOAD_ISCSI_LOGOUT | LOAD_ISCSI_IMMEDIATE;
	p[1] = LOAD_ISCSI_FINAL; /* reason 0: the session */
	be32_put(p + LOAD_ISCSI_AT_CMDSN, s->cmdsn);
	finish(c, p, 0, 0);
}

static void close_iscsi(struct load_conn *c)
{
	struct load_iscsi *s = of(c);

	if (s && s->stream && s->block_bytes > 0 && s->stream->iov_sent == s->stream->iov_used) {
		put_logout(c);
		load_stream_flush(s->stream, c->fd);
	}
	if (s) {
		load_stream_free(&s->stream);
		free(s->got);
		free(s->parked);
		free(s->sums);
		free(s);
	}
	c->priv = NULL;
	if (c->fd >= 0)
		close(c->fd);
}

const struct load_proto load_iscsi_proto = {
	.name = "iscsi",
	.connect = connect_iscsi,
	.build = build,
	.flush = flush_iscsi,
	.receive = receive_iscsi,
	.close = close_iscsi,
};
