/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/stow.h: every alignment and length around a line, and nothing
 * beside it is touched.
 */
#include "config.h"

#include "gateway/base/stow.h"

#include <stdint.h>
#include <string.h>

#include "tests/harness/harness.h"

#define ROOM 512
#define EDGE 64

static uint8_t from[ROOM + EDGE] __attribute__((aligned(64)));
static uint8_t to[ROOM + 2 * EDGE] __attribute__((aligned(64)));

static void one(size_t src, size_t dst, size_t bytes)
{
	memset(to, 0xa5, sizeof(to));
	stow(to + EDGE + dst, from + src, bytes);
	stow_settle();
	assert_memory_equal(to + EDGE + dst, from + src, bytes);
	for (size_t i = 0; i < sizeof(to); i++)
		if (i < EDGE + dst || i >= EDGE + dst + bytes)
			assert_int_equal(to[i], 0xa5);
}

static void all_alignments(void **state)
{
	static const size_t lengths[] = { 0, 1, 15, 16, 63, 64, 65, 127, 128, 200, 256, 320 };

	(void)state;
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t src = 0; src < EDGE; src++)
		for (size_t dst = 0; dst < EDGE; dst++)
			for (size_t n = 0; n < sizeof(lengths) / sizeof(lengths[0]); n++)
				one(src, dst, lengths[n]);
}

HARNESS_MAIN(cmocka_unit_test(all_alignments))
