/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_null_test.c - sizes and facts of the null store.
 */
#include "config.h"

#include <errno.h>
#include <string.h>

#include "tests/harness/harness.h"
#include "tests/unit/plugins/store_rig.h"

extern const struct gw_store_ops st_null_ops;

static struct rig rig;

static void no_size(void **state)
{
	static const char *const words[] = { "", "x", "0", "511", "-1", "1G ", "16E" };

	(void)state;
	assert_true(rig_loops(&rig, 1, NULL));
	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		assert_int_equal(rig_open(&rig, &st_null_ops,
					  (struct gw_store_args){ .target = words[i] }),
				 -EINVAL);
		assert_non_null(strstr(rig.err.text, "not a size"));
	}
	rig_loops_end(&rig);
}

static void facts(void **state)
{
	static struct rig_extents found;
	uint8_t bytes[100];

	(void)state;
	assert_true(rig_loops(&rig, 1, NULL));
	assert_int_equal(rig_open(&rig, &st_null_ops,
				  (struct gw_store_args){ .target = "1001", .read_only = true }),
			 0);
	assert_int_equal(rig.info.size_bytes, 512);
	assert_int_equal(rig.info.align_bytes, 1);
	assert_true(rig.info.read_only);
	assert_false(rig.info.volatile_cache);
	memset(bytes, 1, sizeof(bytes));
	assert_int_equal(rig_write(&rig, 7, bytes, sizeof(bytes), GW_FUA), GW_OK);
	assert_int_equal(rig_read(&rig, 7, bytes, sizeof(bytes)), GW_OK);
	assert_int_equal(bytes[0] | bytes[99], 0);
	assert_int_equal(rig_extents(&rig, 3, 500, 0, &found), GW_OK);
	assert_int_equal(found.n, 1);
	assert_int_equal(found.run[0].length, 500);
	assert_int_equal(rig_range(&rig, GW_PREFETCH, 0, 512, 0), GW_UNSUPPORTED);
	rig_close(&rig);
	rig_loops_end(&rig);
}

HARNESS_MAIN(cmocka_unit_test(no_size), cmocka_unit_test(facts))
