/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_out_test.c - the answers of a handshake: growth, the bound, and what is
 * broken stays so until it is cleared.
 */
#include "config.h"

#include "protocols/nbd/nbds_out.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "protocols/nbd/nbds_pdu.h"
#include "tests/harness/harness.h"

static void grows(void **state)
{
	struct nbds_out out = { .at = NULL };

	for (unsigned i = 0; i < 10000; i++)
		nbds_out_reply(&out, 3, NBDS_REP_SERVER, "abc", 3);
	assert_false(out.broken);
	assert_int_equal(out.len, 10000 * 23);
	assert_int_equal(be32_get(out.at + 9999 * 23 + 16), 3);
	assert_memory_equal(out.at + 9999 * 23 + 20, "abc", 3);
	nbds_out_free(&out);
	assert_null(out.at);
}

static void is_bounded(void **state)
{
	struct nbds_out out = { .at = NULL };

	assert_non_null(nbds_out_room(&out, NBDS_OUT_MAX_BYTES));
	assert_null(nbds_out_room(&out, 1));
	assert_true(out.broken);
	assert_null(nbds_out_room(&out, 0)); /* and takes nothing more */
	nbds_out_reply(&out, 1, NBDS_REP_ACK, NULL, 0);
	assert_int_equal(out.len, NBDS_OUT_MAX_BYTES);
	nbds_out_clear(&out);
	assert_false(out.broken);
	assert_null(nbds_out_room(&out, SIZE_MAX));
	nbds_out_free(&out);
}

static void errors_are_cut(void **state)
{
	struct nbds_out out = { .at = NULL };
	char words[4097];

	memset(words, 'w', sizeof(words));
	words[sizeof(words) - 1] = 0;
	nbds_out_error(&out, 7, NBDS_ERR_UNKNOWN, words);
	assert_int_equal(out.len, NBDS_OPTION_REPLY_BYTES + NBDS_TEXT_MAX);
	assert_true(be32_get(out.at + 12) == 0x80000006);
	nbds_out_free(&out);
}

HARNESS_MAIN(cmocka_unit_test(grows), cmocka_unit_test(is_bounded),
	     cmocka_unit_test(errors_are_cut))
