/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_sess_fsm_test.c - all pairs of state and event, against the table of RFC
 * 7143 8.3.2 and the list of 8.3.4.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_sess_fsm.h"

#include <stdbool.h>
#include <string.h>

#include "tests/harness/harness.h"

/* 8.3.2, the table as it is printed: rows from, columns to; Q1 to Q5. */
static const char *const printed[ISCSI_SESS_STATES][ISCSI_SESS_STATES] = {
	{ "", "N1", "", "", "" },   { "N9", "", "N2", "", "" },	    { "N3", "", "", "N5", "" },
	{ "N6", "", "", "", "N7" }, { "N11", "", "N10", "N8", "" },
};

static void only_printed_moves_and_all_of_them(void **state)
{
	bool seen[ISCSI_SESS_STATES][ISCSI_SESS_STATES] = { { false } };

	for (unsigned s = 0; s < ISCSI_SESS_STATES; s++)
		for (unsigned e = 0; e < ISCSI_SESS_EVENTS; e++) {
			struct iscsi_sess_move m = iscsi_sess_fsm_move((enum iscsi_sess_state)s,
								       (enum iscsi_sess_event)e);

			if (!m.name) {
				assert_int_equal(m.next, s);
				continue;
			}
			assert_string_equal(m.name, printed[s][m.next]);
			seen[s][m.next] = true;
		}
	for (unsigned s = 0; s < ISCSI_SESS_STATES; s++)
		for (unsigned to = 0; to < ISCSI_SESS_STATES; to++)
			assert_int_equal(seen[s][to], printed[s][to][0] != 0);
}

/* 8.3.4; Q1 to Q5. */
static void every_event_in_every_state(void **state)
{
	static const char *const want[ISCSI_SESS_EVENTS][ISCSI_SESS_STATES] = {
		[ISCSI_SESS_E_FIRST_LOGIN] = { "N1", "", "", "", "" },
		[ISCSI_SESS_E_FIRST_LOGGED_IN] = { "", "N2", "", "", "" },
		[ISCSI_SESS_E_FIRST_FAILED] = { "", "N9", "", "", "" },
		[ISCSI_SESS_E_CLOSED] = { "", "", "N3", "", "" },
		[ISCSI_SESS_E_REINSTATED] = { "", "", "N3", "N6", "N11" },
		[ISCSI_SESS_E_FAILED] = { "", "", "N5", "", "" },
		[ISCSI_SESS_E_TIMEOUT] = { "", "", "", "N6", "" },
		[ISCSI_SESS_E_CONTINUE] = { "", "", "", "N7", "" },
		[ISCSI_SESS_E_CONTINUED] = { "", "", "", "", "N10" },
		[ISCSI_SESS_E_NOT_CONTINUED] = { "", "", "", "", "N8" },
	};

	for (unsigned e = 0; e < ISCSI_SESS_EVENTS; e++)
		for (unsigned s = 0; s < ISCSI_SESS_STATES; s++) {
			struct iscsi_sess_move m = iscsi_sess_fsm_move((enum iscsi_sess_state)s,
								       (enum iscsi_sess_event)e);

			assert_string_equal(m.name ? m.name : "", want[e][s]);
		}
}

static void beyond_the_last(void **state)
{
	for (unsigned i = 0; i < 1000; i++) {
		enum iscsi_sess_state s = (enum iscsi_sess_state)(ISCSI_SESS_STATES + i);
		enum iscsi_sess_event e = (enum iscsi_sess_event)(ISCSI_SESS_EVENTS + i);

		assert_null(iscsi_sess_fsm_move(s, ISCSI_SESS_E_FIRST_LOGIN).name);
		assert_null(iscsi_sess_fsm_move(ISCSI_SESS_Q1_FREE, e).name);
		assert_string_equal(iscsi_sess_fsm_state_name(s), "?");
		assert_string_equal(iscsi_sess_fsm_event_name(e), "?");
	}
	assert_null(
		iscsi_sess_fsm_move((enum iscsi_sess_state) - 1, (enum iscsi_sess_event) - 1).name);
}

static void names(void **state)
{
	for (unsigned s = 0; s < ISCSI_SESS_STATES; s++)
		assert_int_equal(iscsi_sess_fsm_state_name((enum iscsi_sess_state)s)[1],
				 '1' + (int)s);
	for (unsigned e = 0; e < ISCSI_SESS_EVENTS; e++)
		assert_true(strlen(iscsi_sess_fsm_event_name((enum iscsi_sess_event)e)) > 1);
}

HARNESS_MAIN(cmocka_unit_test(only_printed_moves_and_all_of_them),
	     cmocka_unit_test(every_event_in_every_state), cmocka_unit_test(beyond_the_last),
	     cmocka_unit_test(names))
