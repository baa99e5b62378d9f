/* SPDX-License-Identifier: BSD-3-Clause
 *
 * peer.c - the client with a model.
 */
#include "config.h"

#include "tests/unit/protocols/nbd/peer.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/harness/harness.h"

#define GRANULE 65536

static uint64_t rnd(struct peer *r, uint64_t n)
{
	return sim_rng_below(&r->rng, n);
}

/* ---- handshake ----------------------------------------------------------- */

static void option(struct peer *r, uint32_t number, const void *data, uint32_t len)
{
	uint8_t head[16];

	be64_put(head, 0x49484156454f5054ull);
	be32_put(head + 8, number);
	be32_put(head + 12, len);
	fuzz_client_send(&r->client, head, 16);
	fuzz_client_send(&r->client, data, len);
}

/* Takes replies up to the last; returns its type. */
static uint32_t last_reply(struct peer *r)
{
	for (;;) {
		uint32_t type, len;

		assert_true(fuzz_client_wait(&r->client, 20));
		type = be32_get(r->client.in + 12);
		len = be32_get(r->client.in + 16);
		assert_true(fuzz_client_wait(&r->client, 20 + len));
		fuzz_client_take(&r->client, 20 + len);
		if (type == 1 || type >> 31)
			return type;
	}
}

void peer_shake_hands(struct peer *r)
{
	uint8_t meta[31] = { 0, 0, 0, 4, 'd', 'i', 's', 'k', 0, 0, 0, 1, 0, 0, 0, 15 };
	static const uint8_t flags[4] = { 0, 0, 0, 3 };
	static const uint8_t go[12] = { 0, 0, 0, 4, 'd', 'i', 's', 'k', 0, 1, 0, 3 };

	memcpy(meta + 16, "base:allocation", 15);
	fuzz_client_open(&r->client, r->stack);
	assert_true(fuzz_client_wait(&r->client, 18));
	fuzz_client_take(&r->client, 18);
	fuzz_client_send(&r->client, flags, 4);
	if (r->kind != PEER_SIMPLE) {
		option(r, r->kind == PEER_CHUNKS ? 8 : 11, NULL, 0);
		assert_int_equal(last_reply(r), 1);
		option(r, 10, meta, sizeof(meta));
		assert_int_equal(last_reply(r), 1);
	}
	option(r, 7, go, sizeof(go));
	assert_int_equal(last_reply(r), 1);
}

/* ---- sending ------------------------------------------------------------- */

static void send_cut(struct peer *r, const uint8_t *p, size_t n)
{
	while (n) {
		size_t piece = rnd(r, 4) ? n : 1 + rnd(r, n);

		fuzz_client_send(&r->client, p, piece);
		p += piece;
		n -= piece;
		if (n)
			fuzz_stack_run(r->stack, rnd(r, 2 * SIM_MS));
	}
}

static bool overlaps(const struct peer *r, uint64_t offset, uint32_t length)
{
	for (unsigned i = 0; i < r->depth; i++)
		if (r->cmd[i].busy && !r->cmd[i].expect_error &&
		    offset < r->cmd[i].offset + r->cmd[i].length &&
		    r->cmd[i].offset < offset + length)
			return true;
	return false;
}

static bool choose_range(struct peer *r, struct peer_cmd *c)
{
	for (unsigned i = 0; i < 8; i++) {
		uint32_t length = (uint32_t)sim_rng_log(&r->rng, 1, r->longest);

		c->length = (length + r->block - 1) / r->block * r->block;
		c->offset = rnd(r, (PEER_IMAGE - c->length) / r->block + 1) * r->block;
		if (!overlaps(r, c->offset, c->length))
			return true;
	}
	return false;
}

static void choose_flags(struct peer *r, struct peer_cmd *c)
{
	c->flags = rnd(r, 4) ? 0 : PEER_FUA;
	if (c->type == PEER_READ && r->kind != PEER_SIMPLE && !rnd(r, 4))
		c->flags |= PEER_DF;
	if (c->type == PEER_ZEROES)
		c->flags |= (uint16_t)(rnd(r, 2) * PEER_NO_HOLE + (rnd(r, 4) ? 0 : PEER_FAST));
	if (c->type == PEER_STATUS && rnd(r, 2))
		c->flags |= PEER_REQ_ONE;
	if (c->type == PEER_STATUS && r->kind == PEER_EXTENDED && rnd(r, 2))
		c->flags |= PEER_PAYLOAD;
	if (c->type == PEER_WRITE && r->kind == PEER_EXTENDED)
		c->flags |= PEER_PAYLOAD;
}

/* One of the ways to ask for nonsense, and its error. */
static void spoil(struct peer *r, struct peer_cmd *c)
{
	switch (rnd(r, 4)) {
	case 0:
		c->flags |= 0x4000;
		c->expect_error = 22;
		break;
	case 1:
		c->offset += 1;
		c->expect_error = 22;
		break;
	case 2:
		c->offset += PEER_IMAGE;
		c->expect_error = c->type == PEER_WRITE || c->type == PEER_ZEROES ? 28 : 22;
		break;
	default:
		if (c->type == PEER_WRITE)
			return;
		c->type = (uint16_t)(8 + rnd(r, 60000));
		c->flags = 0;
		c->expect_error = 22;
	}
}

size_t peer_put_request(struct peer *r, uint8_t *to, unsigned slot, const struct peer_cmd *c)
{
	bool ids = c->type == PEER_STATUS && c->flags & PEER_PAYLOAD;

	be32_put(to, r->kind == PEER_EXTENDED ? 0x21e41c71 : 0x25609513);
	be16_put(to + 4, c->flags);
	be16_put(to + 6, c->type);
	be64_put(to + 8, 0xc0c0a000 + slot);
	be64_put(to + 16, c->offset);
	if (r->kind != PEER_EXTENDED) {
		be32_put(to + 24, c->length);
		return 28;
	}
	be64_put(to + 24, ids ? 12 : c->length);
	if (!ids)
		return 32;
	be64_put(to + 32, c->length);
	be32_put(to + 40, 1);
	return 44;
}

/* Numbers, or zeroes that may come back as a hole. */
static void make_payload(struct peer *r, uint8_t *to, uint32_t length)
{
	uint64_t stamp = rnd(r, UINT64_MAX), zero = rnd(r, 3);

	for (uint32_t i = 0; i < length; i += 8)
		be64_put(to + i, zero ? stamp + i : 0);
}

void peer_start_this(struct peer *r, unsigned slot, const struct peer_cmd *c)
{
	static uint8_t bytes[44 + (32u << 20)];
	size_t n = peer_put_request(r, bytes, slot, c);

	if (c->type == PEER_WRITE) {
		make_payload(r, bytes + n, c->length);
		if (!c->expect_error)
			memcpy(r->model + c->offset, bytes + n, c->length);
		n += c->length;
	}
	r->cmd[slot] = *c;
	r->n_busy++;
	send_cut(r, bytes, n);
}

void peer_start(struct peer *r, unsigned slot)
{
	struct peer_cmd c = { .busy = true, .type = (uint16_t)rnd(r, 8) };

	if (c.type == PEER_DISC || (c.type == PEER_STATUS && r->kind == PEER_SIMPLE))
		c.type = rnd(r, 2) ? PEER_READ : PEER_WRITE;
	if (c.type != PEER_FLUSH && !choose_range(r, &c))
		return;
	choose_flags(r, &c);
	if (c.type != PEER_FLUSH && !rnd(r, 12))
		spoil(r, &c);
	peer_start_this(r, slot, &c);
}

/* ---- what comes back ----------------------------------------------------- */

/* Errors that are nobody's fault. */
static bool may_fail(const struct peer *r, const struct peer_cmd *c, uint32_t error)
{
	if (error == 95)
		return c->flags & PEER_FAST;
	if (error == 5 || error == 108)
		return r->blind;
	return error == 12 && r->no_room && c->type == PEER_READ;
}

static void finish(struct peer *r, struct peer_cmd *c, uint32_t error)
{
	assert_true(c->busy);
	if (!may_fail(r, c, error))
		assert_int_equal(error, c->expect_error);
	if (!error && (c->type == PEER_TRIM || c->type == PEER_ZEROES))
		memset(r->model + c->offset, 0, c->length);
	if (c->type == PEER_READ && !error)
		assert_int_equal(c->covered, c->length);
	if (c->type == PEER_STATUS && !error)
		assert_true(c->chunk);
	if (c->type < PEER_KINDS)
		r->counts[c->type]++;
	r->errors += error != 0;
	c->busy = false;
	r->n_busy--;
	r->done++;
}

static void got_data(struct peer *r, struct peer_cmd *c, uint64_t offset, const uint8_t *p,
		     uint32_t n)
{
	static const uint8_t zeroes[GRANULE];

	assert_int_equal(c->type, PEER_READ);
	assert_true(n && offset >= c->offset && offset + n <= c->offset + c->length);
	if (c->flags & PEER_DF)
		assert_int_equal(n, c->length);
	c->covered += n;
	if (r->blind)
		return;
	if (p) {
		assert_memory_equal(p, r->model + offset, n);
		return;
	}
	r->holes++;
	for (uint32_t i = 0; i < n; i += sizeof(zeroes))
		assert_memory_equal(r->model + offset + i, zeroes,
				    n - i < sizeof(zeroes) ? n - i : sizeof(zeroes));
}

static void got_status(struct peer *r, struct peer_cmd *c, const uint8_t *p, uint32_t n)
{
	bool ext = r->kind == PEER_EXTENDED;
	uint32_t each = ext ? 16 : 8, head = ext ? 8 : 4;
	uint64_t at = c->offset;

	assert_int_equal(c->type, PEER_STATUS);
	assert_int_equal(be32_get(p), 1);
	assert_true(n >= head + each && (n - head) % each == 0 && !c->chunk);
	if (ext)
		assert_int_equal(be32_get(p + 4), (n - head) / each);
	if (c->flags & PEER_REQ_ONE)
		assert_int_equal(n, head + each);
	for (p += head, n -= head; n; p += each, n -= each) {
		uint64_t len = ext ? be64_get(p) : be32_get(p);
		uint64_t state = ext ? be64_get(p + 8) : be32_get(p + 4);

		assert_true(len && at + len <= c->offset + c->length);
		for (uint64_t i = 0; !r->blind && (state & 2) && i < len; i++)
			assert_int_equal(r->model[at + i], 0);
		at += len;
	}
	c->chunk = true;
}

static struct peer_cmd *cmd_of(struct peer *r, uint64_t cookie)
{
	assert_true(cookie >= 0xc0c0a000 && cookie < 0xc0c0a000 + r->depth);
	return &r->cmd[cookie - 0xc0c0a000];
}

static size_t take_simple(struct peer *r)
{
	struct peer_cmd *c = cmd_of(r, be64_get(r->client.in + 8));
	uint32_t error = be32_get(r->client.in + 4);
	size_t n = 16;

	assert_int_not_equal(r->kind, PEER_EXTENDED);
	if (c->type == PEER_READ)
		assert_int_equal(r->kind, PEER_SIMPLE);
	if (c->type == PEER_READ && !error && c->length) {
		n += c->length;
		if (!fuzz_client_wait(&r->client, n))
			fail_msg("a read's data do not come");
		got_data(r, c, c->offset, r->client.in + 16, c->length);
	}
	finish(r, c, error);
	return n;
}

static size_t take_chunk(struct peer *r)
{
	bool ext = r->kind == PEER_EXTENDED;
	uint32_t head = ext ? 32 : 20, len, error = 0;
	const uint8_t *p;
	struct peer_cmd *c;
	uint16_t type;

	assert_true(fuzz_client_wait(&r->client, head));
	len = ext ? (uint32_t)be64_get(r->client.in + 24) : be32_get(r->client.in + 16);
	assert_true(fuzz_client_wait(&r->client, head + len));
	p = r->client.in + head;
	c = cmd_of(r, be64_get(r->client.in + 8));
	type = be16_get(r->client.in + 6);
	if (ext)
		assert_true(be64_get(r->client.in + 16) == c->offset);
	assert_true(c->busy);
	if (type == 1) {
		assert_true(len > 8);
		got_data(r, c, be64_get(p), p + 8, len - 8);
	} else if (type == 2) {
		assert_int_equal(len, 12);
		got_data(r, c, be64_get(p), NULL, be32_get(p + 8));
	} else if (type == (ext ? 6 : 5)) {
		got_status(r, c, p, len);
	} else if (type >> 15) {
		error = be32_get(p);
		assert_true(error && be16_get(p + 4) + (type & 2 ? 14u : 6u) == len);
	} else {
		assert_int_equal(type, 0);
		assert_int_equal(len, 0);
	}
	if (be16_get(r->client.in + 4) & 1)
		finish(r, c, error);
	return head + len;
}

void peer_take_reply(struct peer *r)
{
	uint32_t magic;

	if (!fuzz_client_wait(&r->client, 16))
		fail_msg("%u commands are never answered", r->n_busy);
	magic = be32_get(r->client.in);
	if (magic == 0x67446698)
		fuzz_client_take(&r->client, take_simple(r));
	else if (magic == (r->kind == PEER_EXTENDED ? 0x6e8a278c : 0x668e33ef))
		fuzz_client_take(&r->client, take_chunk(r));
	else
		fail_msg("magic %08x", magic);
}

/* ---- runs ---------------------------------------------------------------- */

void peer_begin(struct peer *r, uint64_t seed, enum peer_kind kind,
		const struct fuzz_stack_cfg *cfg)
{
	memset(r, 0, sizeof(*r));
	sim_rng_seed(&r->rng, seed);
	r->kind = kind;
	r->block = cfg->block_bytes;
	r->longest = 256 << 10;
	r->depth = 16;
	r->model = calloc(1, PEER_IMAGE);
	assert_non_null(r->model);
	r->stack = &r->own;
	fuzz_stack_up(r->stack, seed, cfg);
	peer_shake_hands(r);
}

void peer_mix(struct peer *r, unsigned commands)
{
	while (r->done < commands) {
		unsigned slot = (unsigned)rnd(r, r->depth);

		if (!r->cmd[slot].busy)
			peer_start(r, slot);
		if (r->client.len >= 16 || r->n_busy == r->depth || (r->n_busy && !rnd(r, 3)))
			peer_take_reply(r);
	}
	while (r->n_busy)
		peer_take_reply(r);
}

/* PEER_DISC: nothing more comes, the daemon closes. */
void peer_end(struct peer *r)
{
	uint8_t bytes[44];
	struct peer_cmd disc = { .type = PEER_DISC };

	fuzz_client_send(&r->client, bytes, peer_put_request(r, bytes, 0, &disc));
	assert_true(fuzz_client_wait_closed(&r->client));
	assert_int_equal(r->client.len, 0);
	assert_int_equal(r->client.errnum, 0);
	fuzz_client_close(&r->client, true);
	assert_true(fuzz_stack_down(r->stack));
	free(r->model);
}
