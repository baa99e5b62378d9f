/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_verbs_test.c - the table of verbs, and the row after the last.
 */
#include "config.h"

#include "gateway/ctl/ctl_verbs.h"

#include "tests/harness/harness.h"

static void every_row_is_found_by_its_name(void **state)
{
	for (unsigned i = 0; i < CTL_VERB_COUNT; i++) {
		const struct ctl_verb_row *row = ctl_verbs_at(i);

		assert_int_equal(ctl_verbs_find(row->name), i);
		assert_true(row->help[0]);
	}
}

static void behind_the_last_is_nothing(void **state)
{
	assert_null(ctl_verbs_at(CTL_VERB_COUNT));
	assert_null(ctl_verbs_at((unsigned)-1));
	assert_int_equal(ctl_verbs_find(""), CTL_VERB_COUNT);
	assert_int_equal(ctl_verbs_find("statu"), CTL_VERB_COUNT);
}

static void params_are_whole_words(void **state)
{
	const struct ctl_verb_row row = { "x", "name deadline", CTL_CHANGE, "help" };

	assert_true(ctl_verbs_takes(&row, "name"));
	assert_true(ctl_verbs_takes(&row, "deadline"));
	assert_false(ctl_verbs_takes(&row, "nam"));
	assert_false(ctl_verbs_takes(&row, "names"));
	assert_false(ctl_verbs_takes(&row, ""));
	assert_false(ctl_verbs_takes(&row, "name deadline"));
}

HARNESS_MAIN(cmocka_unit_test(every_row_is_found_by_its_name),
	     cmocka_unit_test(behind_the_last_is_nothing), cmocka_unit_test(params_are_whole_words))
