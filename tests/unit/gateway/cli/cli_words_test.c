/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_words_test.c - how far words are from each other.
 */
#include "config.h"

#include "gateway/cli/cli_words.h"

#include <string.h>

#include "tests/harness/harness.h"

static void distances(void **state)
{
	assert_int_equal(cli_words_distance("", ""), 0);
	assert_int_equal(cli_words_distance("", "abc"), 3);
	assert_int_equal(cli_words_distance("abc", ""), 3);
	assert_int_equal(cli_words_distance("status", "status"), 0);
	assert_int_equal(cli_words_distance("statsu", "status"), 1);
	assert_int_equal(cli_words_distance("sttus", "status"), 1);
	assert_int_equal(cli_words_distance("statuss", "status"), 1);
	assert_int_equal(cli_words_distance("ststus", "status"), 1);
	assert_int_equal(cli_words_distance("kitten", "sitting"), 3);
	assert_int_equal(cli_words_distance("ab", "ba"), 1);
}

static void long_words_are_far(void **state)
{
	char word[65];

	memset(word, 'a', 64);
	word[64] = '\0';
	assert_true(cli_words_distance(word, word) > 64);
	word[63] = '\0';
	assert_int_equal(cli_words_distance(word, word), 0);
	assert_int_equal(cli_words_distance(word, ""), 63);
}

static void suggestions(void **state)
{
	assert_true(cli_words_near("stat", "status"));
	assert_true(cli_words_near("statsu", "status"));
	assert_true(cli_words_near("server", "serve"));
	assert_true(cli_words_near("sevre", "serve"));
	assert_false(cli_words_near("", "status"));
	assert_false(cli_words_near("halt", "status"));
	assert_false(cli_words_near("x", "help"));
}

HARNESS_MAIN(cmocka_unit_test(distances), cmocka_unit_test(long_words_are_far),
	     cmocka_unit_test(suggestions))
