/* SPDX-License-Identifier: BSD-3-Clause
 *
 * mem_test.c - the helpers over scatter lists against one flat piece of bytes.
 */
#include "config.h"

#include "gateway/api/buf.h"

#include <string.h>

#include "tests/harness/harness.h"

#define MOST 600

static uint64_t seed;

static uint32_t chance(uint32_t below)
{
	uint64_t z = (seed += 0x9e3779b97f4a7c15ull);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return (uint32_t)((z ^ z >> 31) % below);
}

/* A list of foreign memory over this many bytes, with gaps between its slices;
 * some slices may be empty. */
static void scatter(struct gw_mem *mem, uint8_t *room, uint32_t bytes)
{
	memset(mem, 0, sizeof(*mem));
	memset(room, 0xee, 4 * MOST);
	while (bytes || (mem->n < GW_MEM_SLICES - 1 && chance(4) == 0)) {
		uint32_t part = mem->n == GW_MEM_SLICES - 1 ? bytes : chance(bytes + 1);

		assert_true(gw_mem_add(mem, NULL, room, part));
		bytes -= part;
		room += part + 1 + chance(50);
	}
}

static void flatten(const struct gw_mem *mem, uint8_t *out)
{
	for (unsigned i = 0; i < mem->n; i++) {
		memcpy(out, mem->iov[i].iov_base, mem->iov[i].iov_len);
		out += mem->iov[i].iov_len;
	}
}

static void randomize(uint8_t *bytes, uint32_t n, uint32_t kinds)
{
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)chance(kinds);
}

static void copies(void **state)
{
	static uint8_t room[4 * MOST], flat[MOST], part[MOST], after[MOST];
	struct gw_mem mem;

	(void)state;
	for (seed = 1; seed < 300000000000ull; seed += 10000001) {
		uint32_t bytes = chance(MOST), from = chance(bytes + 1),
			 n = chance(bytes - from + 1);

		scatter(&mem, room, bytes);
		randomize(flat, bytes, 256);
		gw_mem_copy_in(&mem, 0, flat, bytes);
		randomize(part, n, 256);
		gw_mem_copy_in(&mem, from, part, n);
		memcpy(flat + from, part, n);
		flatten(&mem, after);
		assert_memory_equal(flat, after, bytes);
		gw_mem_copy_out(&mem, from, part, n);
		assert_memory_equal(flat + from, part, n);
		gw_mem_zero(&mem, from, n);
		memset(flat + from, 0, n);
		flatten(&mem, after);
		assert_memory_equal(flat, after, bytes);
		assert_true(gw_mem_is_zero(&mem, from, n));
		for (unsigned i = 0; i < mem.n; i++)
			assert_int_equal(((uint8_t *)mem.iov[i].iov_base)[mem.iov[i].iov_len],
					 0xee);
	}
}

static void zero_is_told(void **state)
{
	static uint8_t room[4 * MOST];
	struct gw_mem mem;

	(void)state;
	for (seed = 1; seed < 100000000000ull; seed += 10000001) {
		uint32_t bytes = chance(MOST - 1) + 1, at = chance(bytes);

		scatter(&mem, room, bytes);
		gw_mem_zero(&mem, 0, bytes);
		assert_true(gw_mem_is_zero(&mem, 0, bytes));
		gw_mem_copy_in(&mem, at, "x", 1);
		assert_false(gw_mem_is_zero(&mem, 0, bytes));
		assert_true(gw_mem_is_zero(&mem, 0, at));
		assert_true(gw_mem_is_zero(&mem, at + 1, bytes - at - 1));
	}
}

static uint32_t same(const uint8_t *a, const uint8_t *b, uint32_t n)
{
	uint32_t i = 0;

	while (i < n && a[i] == b[i])
		i++;
	return i;
}

static void where_two_lists_differ(void **state)
{
	static uint8_t room_a[4 * MOST], room_b[4 * MOST], flat_a[MOST], flat_b[MOST];
	struct gw_mem a, b;

	(void)state;
	for (seed = 1; seed < 300000000000ull; seed += 10000001) {
		uint32_t na = chance(MOST), nb = chance(MOST), from_a = chance(na + 1),
			 from_b = chance(nb + 1);
		uint32_t most = na - from_a < nb - from_b ? na - from_a : nb - from_b;
		uint32_t n = chance(most + 1);

		scatter(&a, room_a, na);
		scatter(&b, room_b, nb);
		randomize(flat_a, na, 256);
		randomize(flat_b, nb, 256);
		memcpy(flat_b + from_b, flat_a + from_a, chance(n + 1));
		gw_mem_copy_in(&a, 0, flat_a, na);
		gw_mem_copy_in(&b, 0, flat_b, nb);
		assert_int_equal(gw_mem_same(&a, from_a, &b, from_b, n),
				 same(flat_a + from_a, flat_b + from_b, n));
	}
}

static void as_iovecs(void **state)
{
	static uint8_t room[4 * MOST], flat[MOST], again[MOST];
	struct iovec iov[GW_MEM_SLICES];
	struct gw_mem mem;

	(void)state;
	for (seed = 1; seed < 100000000000ull; seed += 10000001) {
		uint32_t bytes = chance(MOST), from = chance(bytes + 1),
			 n = chance(bytes - from + 1);
		uint32_t at = 0;
		unsigned pieces;

		scatter(&mem, room, bytes);
		randomize(flat, bytes, 256);
		gw_mem_copy_in(&mem, 0, flat, bytes);
		pieces = gw_mem_iov(&mem, from, n, iov);
		assert_true(pieces <= GW_MEM_SLICES);
		for (unsigned i = 0; i < pieces; i++) {
			assert_true(iov[i].iov_len > 0);
			memcpy(again + at, iov[i].iov_base, iov[i].iov_len);
			at += (uint32_t)iov[i].iov_len;
		}
		assert_int_equal(at, n);
		assert_memory_equal(again, flat + from, n);
	}
}

static void full_and_moved(void **state)
{
	struct gw_mem a = { 0 }, b = { 0 };
	uint8_t byte[GW_MEM_SLICES + 1] = { 0 };

	(void)state;
	for (unsigned i = 0; i < GW_MEM_SLICES; i++)
		assert_true(gw_mem_add(&a, NULL, &byte[i], 1));
	assert_false(gw_mem_add(&a, NULL, &byte[GW_MEM_SLICES], 1));
	assert_int_equal(a.bytes, GW_MEM_SLICES);
	gw_mem_move(&b, &a);
	assert_true(a.n == 0 && a.bytes == 0 && b.n == GW_MEM_SLICES && b.bytes == GW_MEM_SLICES);
	gw_mem_put(&b); /* foreign memory: nothing to give back */
	assert_true(b.n == 0 && b.bytes == 0);
}

static void cut_to_every_length(void **state)
{
	static uint8_t bytes[24];

	(void)state;
	for (uint32_t n = 0; n <= 24; n++) {
		struct gw_mem mem = { .n = 3, .bytes = 24 }; /* foreign memory */

		for (unsigned i = 0; i < 3; i++)
			mem.iov[i] = (struct iovec){ bytes + 8 * i, 8 };
		gw_mem_cut(&mem, n);
		assert_int_equal(mem.bytes, n);
		assert_int_equal(mem.n, (n + 7) / 8);
		if (n)
			assert_int_equal(mem.iov[mem.n - 1].iov_len, n % 8 ? n % 8 : 8);
		gw_mem_cut(&mem, 24); /* never longer */
		assert_int_equal(mem.bytes, n);
	}
}

HARNESS_MAIN(cmocka_unit_test(cut_to_every_length), cmocka_unit_test(copies),
	     cmocka_unit_test(zero_is_told), cmocka_unit_test(where_two_lists_differ),
	     cmocka_unit_test(as_iovecs), cmocka_unit_test(full_and_moved))
