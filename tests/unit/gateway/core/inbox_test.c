/* SPDX-License-Identifier: BSD-3-Clause
 *
 * inbox_test.c - a stream of frames through an inbox, received in pieces of any size:
 * what is parsed is what was sent, whatever stays behind as a slice, whatever goes to
 * its place, and however short memory is.
 */
#include "config.h"

#include "gateway/api/inbox.h"

#include <string.h>

#include "gateway/core/pool.h"
#include "tests/harness/harness.h"

#define BUF_BYTES 65536u
#define HEAD_BYTES 8u /* of a frame */
#define FRONT_BYTES 56u /* so that what follows it stands at a line */
#define SLICES 12

static struct gw_pool pool;
static struct gw_credit credit;
static struct gw_inbox inbox;
static uint64_t seed;

static uint32_t chance(uint32_t below)
{
	uint64_t z = (seed += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)((z ^ z >> 31) % below);
}

static void up(uint64_t limit_bytes)
{
	gw_pool_init(&pool, 40u << 20);
	assert_true(gw_credit_open(&pool, 2 * BUF_BYTES, limit_bytes, &credit));
	gw_inbox_init(&inbox, &credit, BUF_BYTES, HEAD_BYTES);
}

static void down(void)
{
	gw_inbox_drop(&inbox);
	gw_inbox_drop(&inbox); /* twice: no matter */
	assert_int_equal(credit.used_bytes, 0);
	gw_credit_close(&credit);
	gw_pool_free(&pool);
}

static bool aim(uint32_t need)
{
	const struct gw_inbox_want want = { .need = need, .behind = BUF_BYTES };

	return gw_inbox_aim(&inbox, &want);
}

/* The byte at this place of the stream. */
static uint8_t byte_at(uint64_t at)
{
	return (uint8_t)(at * 0x9e3779b97f4a7c15ull >> 56);
}

static uint32_t room(void)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < inbox.n; i++)
		sum += (uint32_t)inbox.iov[i].iov_len;
	return sum;
}

static uint64_t filled; /* bytes of the stream that were received */

/* The next bytes of the stream into iov; returns what went to its place. */
static uint32_t fill(uint32_t bytes)
{
	uint32_t left = bytes;

	for (unsigned i = 0; i < inbox.n && left; i++)
		for (size_t k = 0; k < inbox.iov[i].iov_len && left; k++, left--)
			((uint8_t *)inbox.iov[i].iov_base)[k] = byte_at(filled++);
	assert_int_equal(left, 0);
	return gw_inbox_came(&inbox, bytes);
}

static bool is_stream(const void *mem, uint64_t at, uint32_t bytes)
{
	for (uint32_t i = 0; i < bytes; i++)
		if (((const uint8_t *)mem)[i] != byte_at(at + i))
			return false;
	return true;
}

/* ---- by hand ------------------------------------------------------------- */

static void one_buffer_is_used_again(void **state)
{
	struct gw_buf *first;

	up(2 * BUF_BYTES);
	assert_false(gw_inbox_fits(&inbox, 0)); /* there is none yet */
	filled = 0;
	for (unsigned i = 0; i < 100; i++) {
		assert_true(aim(28));
		first = i ? first : inbox.buf;
		assert_ptr_equal(inbox.buf, first);
		assert_int_equal(inbox.n, 1);
		assert_ptr_equal(inbox.iov[0].iov_base, inbox.buf->mem + FRONT_BYTES);
		assert_int_equal(room(), BUF_BYTES - FRONT_BYTES);
		assert_int_equal(fill(4096), 0);
		assert_true(is_stream(gw_inbox_at(&inbox), 4096 * i, 4096));
		gw_inbox_skip(&inbox, 4096);
	}
	assert_int_equal(credit.used_bytes, BUF_BYTES);
	down();
}

/* The head of a frame at the end of the buffer is carried to its front; where there is
 * room enough nothing moves. */
static void a_head_moves_only_where_it_must(void **state)
{
	const struct gw_buf *only;

	up(2 * BUF_BYTES);
	filled = 0;
	assert_true(aim(28));
	only = inbox.buf;
	fill(room() - 10);
	gw_inbox_skip(&inbox, BUF_BYTES - FRONT_BYTES - 30);
	assert_true(aim(28)); /* 20 are here, 10 more fit behind */
	assert_int_equal(inbox.from, BUF_BYTES - 30);
	assert_int_equal(room(), 10);
	assert_true(gw_inbox_fits(&inbox, 30));
	assert_false(gw_inbox_fits(&inbox, 31));
	assert_true(aim(48));
	assert_ptr_equal(inbox.buf, only);
	assert_int_equal(inbox.from, FRONT_BYTES);
	assert_int_equal(gw_inbox_bytes(&inbox), 20);
	assert_true(is_stream(gw_inbox_at(&inbox), BUF_BYTES - FRONT_BYTES - 30, 20));
	assert_int_equal(room(), BUF_BYTES - FRONT_BYTES - 20);
	assert_true(aim(BUF_BYTES)); /* a buffer holds no more, so it begins at its start */
	assert_int_equal(inbox.from, 0);
	assert_int_equal(room(), BUF_BYTES - 20);
	down();
}

/* A buffer that a slice refers to is not written again where it was parsed. */
static void a_slice_keeps_its_bytes(void **state)
{
	struct gw_mem slice = { 0 };

	up(2 * BUF_BYTES);
	filled = 0;
	assert_true(aim(28));
	fill(40000);
	gw_mem_add(&slice, inbox.buf, gw_inbox_at(&inbox), 39990);
	gw_inbox_skip(&inbox, 39990);
	assert_true(aim(28)); /* room enough: behind the slice */
	assert_ptr_equal(inbox.buf, slice.buf[0]);
	assert_int_equal(room(), BUF_BYTES - FRONT_BYTES - 40000);
	fill(10010);
	gw_inbox_skip(&inbox, 10020);
	assert_true(aim(28)); /* too little is left to be worth a receive */
	assert_ptr_not_equal(inbox.buf, slice.buf[0]);
	assert_int_equal(room(), BUF_BYTES - FRONT_BYTES);
	fill(room());
	assert_true(is_stream(slice.iov[0].iov_base, 0, 39990));
	gw_mem_put(&slice);
	down();
}

static void a_place_comes_first(void **state)
{
	static uint8_t far[3][100];
	struct gw_mem place = { 0 };
	struct gw_inbox_want want = { .need = 28, .place = &place, .behind = 1000 };

	up(2 * BUF_BYTES);
	filled = 0;
	for (unsigned i = 0; i < 3; i++)
		gw_mem_add(&place, NULL, far[i], 100);
	want.at = 150;
	want.rest = 150;
	assert_true(gw_inbox_aim(&inbox, &want));
	assert_int_equal(inbox.n, 3);
	assert_ptr_equal(inbox.iov[0].iov_base, &far[1][50]);
	assert_int_equal(room(), 150 + 1000);
	assert_int_equal(inbox.direct, 150);
	assert_int_equal(fill(120), 120); /* not all of it */
	assert_int_equal(inbox.direct, 0);
	assert_int_equal(gw_inbox_bytes(&inbox), 0);
	want.at = 270;
	want.rest = 30;
	assert_true(gw_inbox_aim(&inbox, &want));
	assert_int_equal(fill(37), 30);
	assert_int_equal(gw_inbox_bytes(&inbox), 7);
	assert_true(is_stream(&far[1][50], 0, 50));
	assert_true(is_stream(far[2], 50, 100));
	assert_true(is_stream(gw_inbox_at(&inbox), 150, 7));
	down();
}

/* Without memory: what has its place is received on, all else waits; and a buffer
 * that is full of what waits to be parsed is nothing to wait for memory for. */
static void without_memory(void **state)
{
	static uint8_t far[100];
	struct gw_mem place = { 0 };
	struct gw_inbox_want want = { .need = 28, .place = &place, .behind = 1000 };
	struct gw_buf *hog[2];

	up(2 * BUF_BYTES);
	filled = 0;
	gw_mem_add(&place, NULL, far, sizeof(far));
	hog[0] = gw_buf_take(&credit, BUF_BYTES);
	hog[1] = gw_buf_take(&credit, BUF_BYTES);
	assert_false(aim(28));
	assert_int_equal(inbox.n, 0);
	want.rest = sizeof(far);
	assert_true(gw_inbox_aim(&inbox, &want));
	assert_int_equal(room(), sizeof(far));
	assert_int_equal(fill(40), 40);
	gw_buf_put(&hog[0]);
	assert_true(aim(28));
	fill(room());
	assert_true(aim(28));
	assert_int_equal(inbox.n, 0);
	assert_int_equal(gw_inbox_bytes(&inbox), BUF_BYTES - FRONT_BYTES);
	gw_buf_put(&hog[1]);
	down();
}

/* ---- by chance ----------------------------------------------------------- */

/* A frame of the stream: a head, then a payload; the bytes tell their place in the
 * stream, so that it is known what must come. */
struct frame {
	uint64_t at;
	uint32_t bytes, got; /* of the payload */
	enum { SKIP, SLICE, PLACE } way;
	bool begun;
};

static struct gw_mem kept[SLICES];
static uint64_t kept_at[SLICES];
static struct frame frame;
static struct gw_mem place;
static unsigned frames, shortages, directly;

static void check_kept(unsigned i)
{
	uint64_t at = kept_at[i];

	for (unsigned k = 0; k < kept[i].n; k++) {
		assert_true(
			is_stream(kept[i].iov[k].iov_base, at, (uint32_t)kept[i].iov[k].iov_len));
		at += kept[i].iov[k].iov_len;
	}
	gw_mem_put(&kept[i]);
}

static void keep(struct gw_mem *mem, uint64_t at)
{
	unsigned i = chance(SLICES);

	check_kept(i);
	gw_mem_move(&kept[i], mem);
	kept_at[i] = at;
}

static bool end_frame(void)
{
	frames++;
	frame = (struct frame){ .at = frame.at + HEAD_BYTES + frame.bytes };
	return true;
}

static bool begin_frame(void)
{
	if (gw_inbox_bytes(&inbox) < HEAD_BYTES)
		return false;
	assert_true(is_stream(gw_inbox_at(&inbox), frame.at, HEAD_BYTES));
	gw_inbox_skip(&inbox, HEAD_BYTES);
	frame.begun = true;
	frame.way = chance(3);
	frame.bytes = chance(chance(4) ? 9000 : BUF_BYTES);
	if (frame.way == PLACE && !gw_mem_take(&credit, frame.bytes + 1, 0, &place))
		frame.way = SKIP;
	return true;
}

/* What is here of a payload that has its place; the rest is received there. */
static bool take_placed(void)
{
	uint32_t n = frame.bytes - frame.got;

	if (n > gw_inbox_bytes(&inbox))
		n = gw_inbox_bytes(&inbox);
	if (n)
		gw_mem_copy_in(&place, frame.got, gw_inbox_at(&inbox), n);
	gw_inbox_skip(&inbox, n);
	frame.got += n;
	if (frame.got < frame.bytes)
		return false;
	gw_mem_cut(&place, frame.bytes);
	keep(&place, frame.at + HEAD_BYTES);
	return end_frame();
}

static bool step(void)
{
	struct gw_mem slice = { 0 };

	if (!frame.begun)
		return begin_frame();
	if (frame.way == PLACE)
		return take_placed();
	if (gw_inbox_bytes(&inbox) < frame.bytes)
		return false;
	assert_true(is_stream(gw_inbox_at(&inbox), frame.at + HEAD_BYTES, frame.bytes));
	if (frame.way == SLICE && frame.bytes) {
		gw_mem_add(&slice, inbox.buf, gw_inbox_at(&inbox), frame.bytes);
		keep(&slice, frame.at + HEAD_BYTES);
	}
	gw_inbox_skip(&inbox, frame.bytes);
	return end_frame();
}

static void receive(void)
{
	bool placed = frame.begun && frame.way == PLACE;
	struct gw_inbox_want want = {
		.need = frame.begun && !placed ? frame.bytes : HEAD_BYTES,
		.place = &place,
		.at = frame.got,
		.rest = placed ? frame.bytes - frame.got : 0,
		.behind = chance(2) ? BUF_BYTES : 1 + chance(2000),
	};
	uint32_t bytes;

	if (!gw_inbox_aim(&inbox, &want)) {
		shortages++;
		check_kept(chance(SLICES));
		return;
	}
	assert_true(inbox.n > 0); /* all that can be parsed was parsed */
	assert_true(want.rest || gw_inbox_fits(&inbox, want.need));
	bytes = 1 + chance(room());
	bytes = fill(bytes);
	assert_true(bytes <= want.rest);
	frame.got += bytes;
	directly += bytes;
}

static void by_chance(void **state)
{
	for (uint64_t run = 1; run <= 8; run++) {
		seed = run;
		filled = frames = shortages = directly = 0;
		frame = (struct frame){ 0 };
		up(run % 2 ? 4 * BUF_BYTES : 64 * BUF_BYTES);
		for (unsigned i = 0; i < 3000; i++) {
			receive();
			while (step())
				;
		}
		for (unsigned i = 0; i < SLICES; i++)
			check_kept(i);
		gw_mem_put(&place);
		assert_true(frames > 1000 && directly > 1000000);
		assert_true(run % 2 ? shortages > 100 : !shortages);
		down();
	}
}

HARNESS_MAIN(cmocka_unit_test(one_buffer_is_used_again),
	     cmocka_unit_test(a_head_moves_only_where_it_must),
	     cmocka_unit_test(a_slice_keeps_its_bytes), cmocka_unit_test(a_place_comes_first),
	     cmocka_unit_test(without_memory), cmocka_unit_test(by_chance))
