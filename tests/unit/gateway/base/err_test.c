/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of gateway/base/err.c: the number, the sentence, and its bound.
 */
#include "config.h"

#include "gateway/base/err.h"

#include <errno.h>
#include <string.h>

#include "tests/harness/harness.h"

static void returns_minus_errno(void **state)
{
	struct gw_err err = GW_ERR_NONE;

	assert_int_equal(gw_err_set(&err, ENOENT, "%s: no such image", "a.img"), -ENOENT);
	assert_int_equal(err.errnum, ENOENT);
	assert_string_equal(err.text, "a.img: no such image");
	assert_int_equal(gw_err_set(NULL, EIO, "nobody listens"), -EIO);
}

static void percent_m_speaks_of_the_number(void **state)
{
	struct gw_err err;

	errno = EPERM;
	gw_err_set(&err, ENOSPC, "a.img: %m");
	assert_string_equal(err.text, "a.img: No space left on device");
}

static void prefix(void **state)
{
	struct gw_err err;

	gw_err_set(&err, EBUSY, "in use");
	assert_int_equal(gw_err_prefix(&err, "volume %s", "x"), -EBUSY);
	assert_string_equal(err.text, "volume x: in use");
	assert_int_equal(gw_err_prefix(NULL, "nobody"), 0);
}

static void a_long_sentence_is_cut(void **state)
{
	char name[GW_ERR_TEXT * 2];
	struct gw_err err;

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	gw_err_set(&err, EIO, "%s", name);
	assert_int_equal(strlen(err.text), GW_ERR_TEXT - 1);
	gw_err_prefix(&err, "%s", name);
	assert_int_equal(strlen(err.text), GW_ERR_TEXT - 1);
}

HARNESS_MAIN(cmocka_unit_test(returns_minus_errno),
	     cmocka_unit_test(percent_m_speaks_of_the_number), cmocka_unit_test(prefix),
	     cmocka_unit_test(a_long_sentence_is_cut))
