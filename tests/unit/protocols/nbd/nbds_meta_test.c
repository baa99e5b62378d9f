/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_meta_test.c - queries, and the gathering of descriptors.
 */
#include "config.h"

#include "protocols/nbd/nbds_meta.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "tests/harness/harness.h"

static void queries(void **state)
{
	static const struct {
		const char *text;
		enum nbds_meta_match set, list;
	} rows[] = {
		{ "base:allocation", NBDS_META_HIT, NBDS_META_HIT },
		{ "base:", NBDS_META_NOTHING, NBDS_META_HIT },
		{ "base:allocatio", NBDS_META_NOTHING, NBDS_META_NOTHING },
		{ "base:allocation2", NBDS_META_NOTHING, NBDS_META_NOTHING },
		{ "base:Allocation", NBDS_META_NOTHING, NBDS_META_NOTHING },
		{ "Base:allocation", NBDS_META_NOTHING, NBDS_META_NOTHING },
		{ "bas:allocation", NBDS_META_NOTHING, NBDS_META_NOTHING },
		{ "base::allocation", NBDS_META_NOTHING, NBDS_META_NOTHING },
		{ "qemu:dirty-bitmap:x", NBDS_META_NOTHING, NBDS_META_NOTHING },
		{ "x-local:", NBDS_META_NOTHING, NBDS_META_NOTHING },
		{ ":", NBDS_META_NOTHING, NBDS_META_NOTHING },
		{ "", NBDS_META_BAD, NBDS_META_BAD },
		{ "base", NBDS_META_BAD, NBDS_META_BAD },
		{ "baseallocation", NBDS_META_BAD, NBDS_META_BAD },
	};

	for (unsigned i = 0; i < TABLE_LEN(rows); i++) {
		struct nbds_slice q = { (const uint8_t *)rows[i].text,
					(uint32_t)strlen(rows[i].text) };

		assert_int_equal(nbds_meta_match(&q, false), rows[i].set);
		assert_int_equal(nbds_meta_match(&q, true), rows[i].list);
	}
}

/* ---- the sink ------------------------------------------------------------ */

static uint8_t mem[4096];

struct sunk {
	uint32_t bytes, count;
	uint64_t length[300], state[300];
};

static void read_back(bool extended, uint32_t bytes, struct sunk *out)
{
	uint32_t head = extended ? 8 : 4, each = extended ? 16 : 8;

	assert_int_equal(be32_get(mem), NBDS_META_ALLOCATION_ID);
	assert_int_equal((bytes - head) % each, 0);
	out->bytes = bytes;
	out->count = (bytes - head) / each;
	if (extended)
		assert_int_equal(be32_get(mem + 4), out->count);
	for (uint32_t i = 0; i < out->count && i < 300; i++) {
		const uint8_t *p = mem + head + i * each;

		out->length[i] = extended ? be64_get(p) : be32_get(p);
		out->state[i] = extended ? be64_get(p + 8) : be32_get(p + 4);
	}
}

static void joins_and_clips(void **state)
{
	for (int extended = 0; extended < 2; extended++) {
		struct nbds_meta_sink sink;
		struct sunk got;

		nbds_meta_sink_begin(&sink, mem, sizeof(mem), extended, false, 10000);
		assert_true(sink.extents.add(&sink.extents, 1000, GW_EXTENT_DATA));
		assert_true(sink.extents.add(&sink.extents, 0, GW_EXTENT_HOLE));
		assert_true(sink.extents.add(&sink.extents, 2000, GW_EXTENT_DATA));
		assert_true(sink.extents.add(&sink.extents, 1, GW_EXTENT_HOLE | GW_EXTENT_ZERO));
		/* CVE-2025-47711: larger than what was asked */
		assert_false(sink.extents.add(&sink.extents, UINT64_MAX, GW_EXTENT_ZERO));
		assert_false(sink.extents.add(&sink.extents, 5, GW_EXTENT_DATA));
		read_back(extended, nbds_meta_sink_end(&sink), &got);
		assert_int_equal(got.count, 3);
		assert_int_equal(got.length[0], 3000);
		assert_int_equal(got.state[0], 0);
		assert_int_equal(got.length[1], 1);
		assert_int_equal(got.state[1], 3);
		assert_int_equal(got.length[2], 6999);
		assert_int_equal(got.state[2], 2);
	}
}

static void one_only(void **state)
{
	struct nbds_meta_sink sink;
	struct sunk got;

	nbds_meta_sink_begin(&sink, mem, sizeof(mem), false, true, 10000);
	assert_true(sink.extents.add(&sink.extents, 10, GW_EXTENT_DATA));
	assert_true(sink.extents.add(&sink.extents, 10, GW_EXTENT_DATA));
	assert_false(sink.extents.add(&sink.extents, 10, GW_EXTENT_HOLE));
	read_back(false, nbds_meta_sink_end(&sink), &got);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.length[0], 20);
	nbds_meta_sink_begin(&sink, mem, sizeof(mem), false, true, 10000);
	assert_false(sink.extents.add(&sink.extents, 20000, GW_EXTENT_HOLE));
	read_back(false, nbds_meta_sink_end(&sink), &got);
	assert_int_equal(got.count, 1);
	assert_int_equal(got.length[0], 10000); /* MUST NOT exceed the request */
}

/* "the server MUST return at least one status descriptor" */
static void never_empty(void **state)
{
	for (int extended = 0; extended < 2; extended++) {
		struct nbds_meta_sink sink;
		struct sunk got;

		nbds_meta_sink_begin(&sink, mem, 24, extended, false, UINT32_MAX);
		read_back(extended, nbds_meta_sink_end(&sink), &got);
		assert_int_equal(got.count, 1);
		assert_int_equal(got.length[0], UINT32_MAX);
		assert_int_equal(got.state[0], 0);
	}
}

static void full(void **state)
{
	for (int extended = 0; extended < 2; extended++) {
		uint32_t fits = (256 - (extended ? 8 : 4)) / (extended ? 16 : 8);
		struct nbds_meta_sink sink;
		struct sunk got;
		uint32_t n = 0;
		uint64_t sum = 0;

		memset(mem, 0xee, sizeof(mem));
		nbds_meta_sink_begin(&sink, mem, 256, extended, false, 1u << 30);
		while (sink.extents.add(&sink.extents, 512, n & 1))
			n++;
		assert_int_equal(n, fits);
		read_back(extended, nbds_meta_sink_end(&sink), &got);
		assert_int_equal(got.count, fits);
		for (uint32_t i = 0; i < got.count; i++)
			sum += got.length[i];
		assert_int_equal(sum, fits * 512);
		assert_int_equal(mem[256], 0xee);
	}
}

static void long_runs(void **state)
{
	struct nbds_meta_sink sink;
	struct sunk got;

	nbds_meta_sink_begin(&sink, mem, sizeof(mem), true, false, 1ull << 60);
	assert_true(sink.extents.add(&sink.extents, 1ull << 40, GW_EXTENT_HOLE));
	assert_true(sink.extents.add(&sink.extents, 1ull << 41, GW_EXTENT_DATA));
	read_back(true, nbds_meta_sink_end(&sink), &got);
	assert_int_equal(got.count, 2);
	assert_true(got.length[0] == 1ull << 40 && got.length[1] == 1ull << 41);
}

HARNESS_MAIN(cmocka_unit_test(queries), cmocka_unit_test(joins_and_clips),
	     cmocka_unit_test(one_only), cmocka_unit_test(never_empty), cmocka_unit_test(full),
	     cmocka_unit_test(long_runs))
