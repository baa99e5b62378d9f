/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fallback_test.c - every operation over every kind of store, held against a plain
 * array: logical blocks of 512 .. 64K over stores with alignments, transfer limits
 * and abilities of all sorts, at all offsets and lengths of a small volume, with
 * memory cut at odd places.  After each request the whole volume equals the model,
 * and the store has been promised nothing that was not kept.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/gateway/core/core_rig.h"

#define ARENA_BYTES (1u << 20)
#define GAP 64
#define RUNS_MAX 2048

static uint8_t arena[ARENA_BYTES] __attribute__((aligned(4096)));
static uint8_t second[ARENA_BYTES] __attribute__((aligned(4096)));
static uint8_t model[ARENA_BYTES];

struct grid {
	uint32_t align, memory_align, transfer_max, block;
	bool can_all;
	unsigned cache; /* 0 none, 1 volatile, 2 volatile and FUA */
};

struct world {
	struct rig rig;
	struct fake_store *fake;
	struct grid grid;
	uint64_t size, turns;
};

/* ---- memory cut in pieces ----------------------------------------------- */

static uint64_t chance(void)
{
	return drv_hand_random();
}

/* Where slices may end and begin, from kind to kind odder. */
static void cut(struct gw_mem *mem, uint8_t *from, uint32_t bytes, unsigned kind)
{
	static const uint32_t unit[] = { 0, 1, 512, 7 };
	uint32_t left = bytes, part;
	uint8_t *at = from + (kind ? unit[kind] : 0);

	memset(mem, 0, sizeof(*mem));
	while (left) {
		part = left;
		if (kind >= 2 && mem->n < GW_MEM_SLICES - 1 && left > unit[kind])
			part = (uint32_t)(chance() % (left / unit[kind]) + 1) * unit[kind];
		assert_true(gw_mem_add(mem, NULL, at, part));
		left -= part;
		at += part + (kind == 2 ? 512 : kind == 3 ? GAP + 1 : 0);
	}
	assert_true(at <= from + ARENA_BYTES);
}

static void fill(struct gw_mem *mem)
{
	for (unsigned i = 0; i < mem->n; i++) {
		uint8_t *at = mem->iov[i].iov_base;
		uint64_t x = chance() | 1;

		for (size_t n = 0; n < mem->iov[i].iov_len; n++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			at[n] = (uint8_t)x;
		}
	}
}

/* ---- what the extents said ---------------------------------------------- */

struct sink {
	struct gw_extents extents;
	uint64_t told;
	unsigned n, most;
	uint32_t last;
	uint64_t at;
	bool one;
};

static bool sink_add(struct gw_extents *extents, uint64_t length, uint32_t flags)
{
	struct sink *sink = (struct sink *)extents;

	assert_true(length > 0);
	assert_true(!sink->n || sink->last != flags);
	for (uint64_t i = 0; flags && i < length; i++)
		assert_int_equal(model[sink->at + i], 0);
	sink->last = flags;
	sink->at += length;
	sink->told += length;
	return ++sink->n < sink->most;
}

/* ---- one request -------------------------------------------------------- */

static void check_volume(struct world *w)
{
	if (fake_store_breach(w->fake)[0])
		fail_msg("%s (align %u, memory %u, transfer %u, block %u)",
			 fake_store_breach(w->fake), w->grid.align, w->grid.memory_align,
			 w->grid.transfer_max, w->grid.block);
	assert_int_equal(memcmp(model, w->fake->bytes, w->fake->size_bytes), 0);
}

static enum gw_status run(struct world *w, struct call *call)
{
	rig_submit(call);
	assert_int_equal(call->ended, 0); /* never from inside */
	while (!call->ended && rig_step(&w->rig))
		;
	if (!call->ended)
		rig_settle(&w->rig);
	assert_int_equal(call->ended, 1);
	check_volume(w);
	return call->status;
}

static void one_read(struct world *w, uint64_t offset, uint64_t length, uint32_t flags)
{
	struct call call = { .keep = true };
	struct gw_req *req = rig_take(&w->rig, 0, &call, GW_READ, offset, length);
	uint64_t at = offset;

	cut(&req->data, arena, (uint32_t)length, (unsigned)(w->turns++ % 4));
	req->flags = flags;
	memset(arena, 0xee, length + 8192);
	assert_int_equal(run(w, &call), GW_OK);
	assert_int_equal(call.bytes_done, length);
	for (unsigned i = 0; i < req->data.n; at += req->data.iov[i++].iov_len) {
		const uint8_t *p = req->data.iov[i].iov_base;

		assert_memory_equal(p, model + at, req->data.iov[i].iov_len);
		assert_int_equal(p[req->data.iov[i].iov_len], 0xee);
	}
	rig_put(&call);
}

static void assert_durable(struct world *w, uint64_t offset, uint64_t length)
{
	assert_int_equal(memcmp(w->fake->durable + offset, model + offset, length), 0);
}

static void one_write(struct world *w, uint64_t offset, uint64_t length, uint32_t flags)
{
	struct call call = { 0 };
	struct gw_req *req = rig_take(&w->rig, 0, &call, GW_WRITE, offset, length);

	cut(&req->data, arena, (uint32_t)length, (unsigned)(w->turns++ % 4));
	fill(&req->data);
	req->flags = flags;
	gw_mem_copy_out(&req->data, 0, model + offset, (uint32_t)length);
	assert_int_equal(run(w, &call), GW_OK);
	assert_int_equal(call.bytes_done, length);
	if (flags & GW_FUA)
		assert_durable(w, offset, length);
}

static bool whole(const struct world *w, uint64_t offset, uint64_t length)
{
	return offset % w->grid.align == 0 && length % w->grid.align == 0;
}

static void one_zero(struct world *w, uint64_t offset, uint64_t length, uint32_t flags)
{
	struct call call = { 0 };
	struct gw_req *req = rig_take(&w->rig, 0, &call, GW_ZERO, offset, length);
	bool refuses = !w->grid.can_all || w->fake->native_says;
	uint8_t *before = second;

	req->flags = flags;
	memcpy(before, model + offset, length);
	memset(model + offset, 0, length);
	if ((flags & GW_FAST_ONLY) && refuses && length) {
		if (!whole(w, offset, length))
			req->flags &= ~(uint32_t)GW_FAST_ONLY; /* edges may be gone */
		else
			memcpy(model + offset, before, length);
	}
	assert_int_equal(run(w, &call), req && (flags & GW_FAST_ONLY) && refuses &&
							whole(w, offset, length) && length
						? GW_NOT_FAST
						: GW_OK);
	if ((flags & GW_FUA) && call.status == GW_OK)
		assert_durable(w, offset, length);
}

static void one_unmap(struct world *w, uint64_t offset, uint64_t length, uint32_t flags)
{
	struct call call = { 0 };
	struct gw_req *req;

	if (w->fake->native_says && !whole(w, offset, length))
		return; /* refused half way */
	req = rig_take(&w->rig, 0, &call, GW_UNMAP, offset, length);
	req->flags = flags;
	if (length && (!w->grid.can_all || w->fake->native_says)) {
		assert_int_equal(run(w, &call), GW_UNSUPPORTED);
		return;
	}
	memset(model + offset, 0, length);
	assert_int_equal(run(w, &call), GW_OK);
	if (flags & GW_FUA)
		assert_durable(w, offset, length);
}

static void one_compare(struct world *w, uint64_t offset, uint64_t length, bool differs)
{
	struct call call = { 0 };
	struct gw_req *req = rig_take(&w->rig, 0, &call, GW_COMPARE, offset, length);
	uint64_t at = length ? chance() % length : 0;
	uint8_t byte;

	cut(&req->data, arena, (uint32_t)length, (unsigned)(w->turns++ % 4));
	gw_mem_copy_in(&req->data, 0, model + offset, (uint32_t)length);
	if (differs && length) {
		gw_mem_copy_out(&req->data, (uint32_t)at, &byte, 1);
		byte ^= 1;
		gw_mem_copy_in(&req->data, (uint32_t)at, &byte, 1);
	}
	assert_int_equal(run(w, &call), differs && length ? GW_MISCOMPARE : GW_OK);
	if (differs && length)
		assert_int_equal(call.info, at);
}

/* Compare-and-write: req->expect is what must be there, req->data what comes. */
static enum gw_status swap(struct gw_req *req, struct gw_mem *old, uint64_t *info)
{
	uint32_t length = (uint32_t)req->length;
	uint32_t same = gw_mem_same(old, 0, req->expect, 0, length), at = 0;
	struct iovec piece[GW_MEM_SLICES];
	unsigned n;

	if (same < length) {
		*info = same;
		return GW_MISCOMPARE;
	}
	n = gw_mem_iov(&req->data, 0, length, piece);
	for (unsigned i = 0; i < n; at += (uint32_t)piece[i++].iov_len)
		gw_mem_copy_in(old, at, piece[i].iov_base, (uint32_t)piece[i].iov_len);
	return GW_OK;
}

static void one_modify(struct world *w, uint64_t offset, uint64_t length, uint32_t flags, bool miss)
{
	struct call call = { .keep = true };
	struct gw_req *req = rig_take(&w->rig, 0, &call, GW_MODIFY, offset, length);
	uint64_t at = length ? chance() % length : 0;
	struct gw_mem expect = { 0 };

	cut(&req->data, arena, (uint32_t)length, (unsigned)(w->turns++ % 4));
	fill(&req->data);
	cut(&expect, second, (uint32_t)length, (unsigned)(w->turns++ % 4));
	gw_mem_copy_in(&expect, 0, model + offset, (uint32_t)length);
	if (miss && length)
		gw_mem_zero(&expect, (uint32_t)at, 1);
	if (miss && length && model[offset + at] == 0)
		gw_mem_copy_in(&expect, (uint32_t)at, "\1", 1);
	req->flags = flags;
	req->modify = swap;
	req->expect = &expect;
	if (!miss)
		gw_mem_copy_out(&req->data, 0, model + offset, (uint32_t)length);
	assert_int_equal(run(w, &call), miss && length ? GW_MISCOMPARE : GW_OK);
	if (miss && length)
		assert_int_equal(call.info, at);
	if ((flags & GW_FUA) && !miss)
		assert_durable(w, offset, length);
	rig_put(&call);
}

static void one_copy(struct world *w, uint64_t offset, uint64_t length)
{
	struct call call = { 0 };
	struct gw_req *req = rig_take(&w->rig, 0, &call, GW_COPY, offset, length);
	uint64_t room = w->size - length + 1;
	uint64_t from = (chance() % room) / w->grid.block * w->grid.block;
	bool can;

	if (from < offset + length && offset < from + length)
		from = offset >= length ? 0 : offset + length;
	can = from + length <= w->size && from % w->grid.align == 0 && whole(w, offset, length);
	req->source_offset = from;
	if (can)
		memmove(model + offset, model + from, length);
	assert_int_equal(run(w, &call), can || !length ? GW_OK : GW_UNSUPPORTED);
}

static void one_extents(struct world *w, uint64_t offset, uint64_t length, uint32_t flags)
{
	struct sink sink = { .extents.add = sink_add, .at = offset, .most = RUNS_MAX };
	struct call call = { 0 };
	struct gw_req *req = rig_take(&w->rig, 0, &call, GW_EXTENTS, offset, length);

	req->extents = &sink.extents;
	req->flags = flags;
	if (w->turns++ % 8 == 0)
		sink.most = 1;
	assert_int_equal(run(w, &call), GW_OK);
	if (!(flags & GW_EXTENT_ONE) && sink.most > 1)
		assert_int_equal(sink.told, length);
	if (length)
		assert_true(sink.n >= 1 && sink.told <= length && sink.n <= sink.most);
	if (!w->grid.can_all && length)
		assert_true(sink.n == 1 && sink.last == GW_EXTENT_DATA);
}

static void one_plain(struct world *w, enum gw_op op, uint64_t offset, uint64_t length)
{
	struct call call = { 0 };

	rig_take(&w->rig, 0, &call, op, offset, length);
	assert_int_equal(run(w, &call), GW_OK);
	if (op == GW_FLUSH)
		assert_durable(w, 0, w->size);
}

/* Every operation on this range. */
static void range(struct world *w, uint64_t offset, uint64_t length)
{
	static const enum gw_status says[] = { GW_OK, GW_OK, GW_UNSUPPORTED, GW_NOT_FAST };

	w->fake->when = w->turns % 3 ? FAKE_INSIDE : FAKE_LATER;
	w->fake->native_says = says[w->turns / 7 % 4];
	one_write(w, offset, length, 0);
	one_read(w, offset, length, w->turns % 2 ? GW_FUA : 0);
	one_zero(w, offset, length, GW_FAST_ONLY);
	one_modify(w, offset, length, 0, false);
	one_extents(w, offset, length, 0);
	one_unmap(w, offset, length, w->turns % 2 ? GW_FUA : 0);
	one_compare(w, offset, length, true);
	one_write(w, offset, length, GW_FUA);
	one_compare(w, offset, length, false);
	one_zero(w, offset, length, GW_NO_HOLE | GW_FUA);
	one_extents(w, offset, length, GW_EXTENT_ONE);
	one_modify(w, offset, length, GW_FUA, false);
	one_modify(w, offset, length, 0, true);
	one_copy(w, offset, length);
	one_plain(w, GW_PREFETCH, offset, length);
	one_zero(w, offset, length, 0);
	one_write(w, offset, length, GW_IN_ORDER);
	one_plain(w, GW_FLUSH, 0, 0);
}

static void all_ranges(struct world *w)
{
	for (uint64_t offset = 0; offset <= w->size; offset += w->grid.block)
		for (uint64_t length = 0; length <= w->size - offset; length += w->grid.block)
			range(w, offset, length);
}

/* ---- every store -------------------------------------------------------- */

static void set_limits(struct fake_store *fake, const struct grid *grid)
{
	fake->info.align_bytes = grid->align;
	fake->info.memory_align_bytes = grid->memory_align;
	fake->info.transfer_max_bytes = grid->transfer_max;
	fake->info.range_max_bytes = grid->transfer_max ? 3 * grid->transfer_max : 0;
	fake->info.volatile_cache = grid->cache > 0;
	fake->info.fua = grid->cache == 2;
	fake->info.can = GW_STORE_CAN(GW_FLUSH);
	if (grid->can_all)
		fake->info.can |= GW_STORE_CAN(GW_UNMAP) | GW_STORE_CAN(GW_ZERO) |
				  GW_STORE_CAN(GW_EXTENTS) | GW_STORE_CAN(GW_PREFETCH);
	fake->extent_step = grid->transfer_max;
}

static void world_begin(struct world *w, const struct grid *grid, uint64_t size, uint64_t seed)
{
	*w = (struct world){ .grid = *grid, .turns = seed };
	rig_begin(&w->rig, 1, seed, NULL);
	w->fake = fake_store_new("v", size);
	set_limits(w->fake, grid);
	for (uint64_t i = 0; i < size; i++)
		w->fake->bytes[i] = (uint8_t)(i * 7 + i / 512);
	memcpy(w->fake->durable, w->fake->bytes, size);
	memset(w->fake->hole, 0, size / FAKE_UNIT + 1);
	memcpy(model, w->fake->bytes, size);
	rig_up(&w->rig, "v", grid->block);
	w->size = gw_itl_facts(w->rig.itl[0])->size_bytes;
	assert_true(w->size <= size && size - w->size < grid->block + grid->align);
}

/* One that failed leaves the next nothing behind. */
static int setup(void **state)
{
	(void)state;
	fake_store_forget_all();
	return 0;
}

static void world_end(struct world *w)
{
	rig_assert_idle(&w->rig);
	rig_down(&w->rig, "v");
	assert_string_equal(fake_store_breach(w->fake), "");
	fake_store_free(&w->fake);
	rig_end(&w->rig);
}

static bool is_possible(const struct grid *grid)
{
	return !grid->transfer_max ||
	       (grid->transfer_max >= grid->align && grid->transfer_max >= grid->memory_align);
}

static void store_of_align(uint32_t align)
{
	static const uint32_t memory[] = { 1, 512, 4096 };
	static const uint32_t transfer[] = { 0, 512, 1536, 4096, 12288, 66048 };
	uint64_t seed = align;

	for (uint32_t block = 512; block <= 65536; block *= 2)
		for (unsigned m = 0; m < 3; m++)
			for (unsigned t = 0; t < 6; t++)
				for (unsigned can = m > 0; can < 2; can++) {
					struct grid grid = { align, memory[m], transfer[t],
							     block, can > 0,   seed++ % 3 };
					uint64_t size = block > 4096 ? 4 * block : 20480;
					struct world w;

					if (!is_possible(&grid))
						continue;
					/* and a tail that is no whole block */
					world_begin(&w, &grid, size + 511, seed);
					all_ranges(&w);
					world_end(&w);
				}
}

static void align_1(void **state)
{
	(void)state;
	store_of_align(1);
}

static void align_512(void **state)
{
	(void)state;
	store_of_align(512);
}

static void align_4096(void **state)
{
	(void)state;
	store_of_align(4096);
}

/* A store with units larger than most blocks, and than the window is long. */
static void align_65536(void **state)
{
	struct grid grid = { 65536, 4096, 65536, 32768, true, 1 };
	struct world w;

	(void)state;
	world_begin(&w, &grid, 5 * 65536, 3);
	all_ranges(&w);
	world_end(&w);
}

static void impossible_limits(void **state)
{
	static const struct grid grids[] = {
		{ 4096, 1, 512, 512, true, 0 },	  { 3, 1, 0, 512, true, 0 },
		{ 1, 8192, 0, 512, true, 0 },	  { 1, 3, 0, 512, true, 0 },
		{ 131072, 1, 0, 512, true, 0 },	  { 1, 1, 0, 768, true, 0 },
		{ 1, 1, 0, 131072, true, 0 },	  { 1, 1, 0, 256, true, 0 },
		{ 512, 4096, 512, 512, true, 0 },
	};
	struct gw_err err;

	(void)state;
	for (unsigned i = 0; i < sizeof(grids) / sizeof(grids[0]); i++) {
		struct world w = { .grid = grids[i] };

		rig_begin(&w.rig, 1, i, NULL);
		w.fake = fake_store_new("v", 1 << 20);
		set_limits(w.fake, &grids[i]);
		assert_int_equal(rig_add(&w.rig, "v", grids[i].block, false, false, &err), -EINVAL);
		assert_non_null(strstr(err.text, "volume v: "));
		assert_int_equal(w.fake->opens, w.fake->closes);
		rig_end(&w.rig);
		fake_store_free(&w.fake);
	}
}

HARNESS_MAIN(cmocka_unit_test_setup(align_1, setup), cmocka_unit_test_setup(align_512, setup),
	     cmocka_unit_test_setup(align_4096, setup), cmocka_unit_test_setup(align_65536, setup),
	     cmocka_unit_test_setup(impossible_limits, setup))
