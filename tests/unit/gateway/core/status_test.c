/* SPDX-License-Identifier: BSD-3-Clause
 *
 * status_test.c - every outcome has a name and words of its own, the row after the
 * last has the words that say so, and every errno becomes a status.
 */
#include "config.h"

#include "gateway/api/status.h"

#include <errno.h>
#include <string.h>

#include "gateway/api/event.h"
#include "tests/harness/harness.h"

static void each_has_words(void **state)
{
	(void)state;
	for (int i = 0; i < GW_STATUS_COUNT; i++) {
		const char *words = gw_status_words((enum gw_status)i);
		const char *name = gw_status_name((enum gw_status)i);

		assert_true(words && *words && name);
		assert_int_equal(strncmp(name, "GW_", 3), 0);
		for (int k = 0; k < i; k++) {
			assert_string_not_equal(name, gw_status_name((enum gw_status)k));
			assert_string_not_equal(words, gw_status_words((enum gw_status)k));
		}
	}
	assert_string_equal(gw_status_name(GW_OK), "GW_OK");
	assert_string_equal(gw_status_name(GW_SENSE), "GW_SENSE");
}

static void the_row_after_the_last(void **state)
{
	static const int past[] = { GW_STATUS_COUNT, GW_STATUS_COUNT + 1, 255, -1, INT32_MAX };

	(void)state;
	for (unsigned i = 0; i < sizeof(past) / sizeof(past[0]); i++) {
		assert_string_equal(gw_status_words((enum gw_status)past[i]), "unknown status");
		assert_string_equal(gw_status_name((enum gw_status)past[i]), "GW_?");
	}
	assert_string_equal(gw_event_words(GW_EVENT_COUNT), "unknown event");
	assert_string_equal(gw_event_words((enum gw_event_kind) - 1), "unknown event");
}

static void each_event_has_words(void **state)
{
	(void)state;
	for (int i = 0; i < GW_EVENT_COUNT; i++)
		for (int k = 0; k < i; k++)
			assert_string_not_equal(gw_event_words((enum gw_event_kind)i),
						gw_event_words((enum gw_event_kind)k));
}

static void from_the_kernel(void **state)
{
	(void)state;
	assert_int_equal(gw_status_from_errno(0), GW_OK);
	assert_int_equal(gw_status_from_errno(EIO), GW_MEDIUM_ERROR);
	assert_int_equal(gw_status_from_errno(ENOSPC), GW_NO_SPACE);
	assert_int_equal(gw_status_from_errno(EDQUOT), GW_NO_SPACE);
	assert_int_equal(gw_status_from_errno(EROFS), GW_READ_ONLY);
	assert_int_equal(gw_status_from_errno(EAGAIN), GW_BUSY);
	assert_int_equal(gw_status_from_errno(ENOMEM), GW_NO_MEMORY);
	assert_int_equal(gw_status_from_errno(EOPNOTSUPP), GW_UNSUPPORTED);
	assert_int_equal(gw_status_from_errno(ECANCELED), GW_ABORTED);
	assert_int_equal(gw_status_from_errno(ENODEV), GW_NOT_READY);
	assert_int_equal(gw_status_from_errno(EBADE), GW_RESERVED);
	for (int e = 1; e < 4096; e++) /* none is ever taken for success */
		assert_int_not_equal(gw_status_from_errno(e), GW_OK);
	assert_int_equal(gw_status_from_errno(EBADF), GW_STORE_ERROR);
	assert_int_equal(gw_status_from_errno(-EIO), GW_STORE_ERROR);
}

HARNESS_MAIN(cmocka_unit_test(each_has_words), cmocka_unit_test(the_row_after_the_last),
	     cmocka_unit_test(each_event_has_words), cmocka_unit_test(from_the_kernel))
