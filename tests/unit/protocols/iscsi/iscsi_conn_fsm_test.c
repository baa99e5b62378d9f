/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_conn_fsm_test.c - all pairs of state and event, against the drawings of
 * RFC 7143 8.1.4 and 8.2 and the lists of 8.1.2 and 8.2.2.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_conn_fsm.h"

#include <stdbool.h>
#include <string.h>

#include "gateway/base/table.h"
#include "tests/harness/harness.h"

/* 8.1.4, the table as it is printed: rows from, columns to; S1 S3 S4 S5 S6 S7 S8. */
static const char *const printed[ISCSI_CONN_STATES][ISCSI_CONN_STATES] = {
	{ "", "T3", "", "", "", "", "" },     { "T6", "", "T4", "", "", "", "" },
	{ "T7", "", "", "T5", "", "", "" },   { "T8", "", "", "", "T9", "T11", "T15" },
	{ "T13", "", "", "", "", "", "T17" }, { "T18", "", "", "", "T10", "T12", "T16" },
	{ "", "", "", "", "", "", "" },
};

/* No move but those printed, and each of those by some event. */
static void only_printed_moves_and_all_of_them(void **state)
{
	bool seen[ISCSI_CONN_STATES][ISCSI_CONN_STATES] = { { false } };

	for (unsigned s = 0; s < ISCSI_CONN_STATES; s++)
		for (unsigned e = 0; e < ISCSI_CONN_EVENTS; e++) {
			struct iscsi_conn_move m = iscsi_conn_fsm_move((enum iscsi_conn_state)s,
								       (enum iscsi_conn_event)e);

			if (!m.name) {
				assert_int_equal(m.next, s);
				continue;
			}
			assert_string_equal(m.name, printed[s][m.next]);
			seen[s][m.next] = true;
		}
	for (unsigned s = 0; s < ISCSI_CONN_STATES; s++)
		for (unsigned to = 0; to < ISCSI_CONN_STATES; to++)
			assert_int_equal(seen[s][to], printed[s][to][0] != 0);
}

/* 8.1.2: what each event means in each state, S1 S3 S4 S5 S6 S7 S8. */
static void every_event_in_every_state(void **state)
{
	static const char *const want[ISCSI_CONN_EVENTS][ISCSI_CONN_STATES] = {
		[ISCSI_CONN_E_CONNECTED] = { "T3", "", "", "", "", "", "" },
		[ISCSI_CONN_E_LOGIN_REQUEST] = { "", "T4", "", "", "", "", "" },
		[ISCSI_CONN_E_LOGIN_ACCEPTED] = { "", "", "T5", "", "", "", "" },
		[ISCSI_CONN_E_LOGIN_REFUSED] = { "", "", "T7", "", "", "", "" },
		[ISCSI_CONN_E_LOGIN_TIMEOUT] = { "", "T6", "T7", "", "", "", "" },
		[ISCSI_CONN_E_LOST] = { "", "T6", "T7", "T15", "T17", "T16", "" },
		[ISCSI_CONN_E_SESSION_CLOSED] = { "", "", "T7", "T8", "T13", "T18", "" },
		[ISCSI_CONN_E_REINSTATED] = { "", "", "", "T8", "T13", "T18", "" },
		[ISCSI_CONN_E_REINSTATE_FAILED] = { "", "", "", "T15", "T17", "T16", "" },
		[ISCSI_CONN_E_LOGOUT_REQUEST] = { "", "", "", "T9", "", "T10", "" },
		[ISCSI_CONN_E_LOGOUT_DONE] = { "", "", "", "", "T13", "", "" },
		[ISCSI_CONN_E_LOGOUT_FAILED] = { "", "", "", "", "T17", "", "" },
		[ISCSI_CONN_E_ASK_LOGOUT] = { "", "", "", "T11", "", "T12", "" },
		[ISCSI_CONN_E_DROP] = { "", "", "", "T15", "T17", "T16", "" },
	};

	for (unsigned e = 0; e < ISCSI_CONN_EVENTS; e++)
		for (unsigned s = 0; s < ISCSI_CONN_STATES; s++) {
			struct iscsi_conn_move m = iscsi_conn_fsm_move((enum iscsi_conn_state)s,
								       (enum iscsi_conn_event)e);

			assert_string_equal(m.name ? m.name : "", want[e][s]);
		}
}

static void beyond_the_last(void **state)
{
	static const unsigned beyond[] = { ISCSI_CONN_STATES, ISCSI_CONN_EVENTS, 1000, UINT32_MAX };

	for (unsigned i = 0; i < TABLE_LEN(beyond); i++) {
		assert_null(iscsi_conn_fsm_move((enum iscsi_conn_state)beyond[i],
						ISCSI_CONN_E_CONNECTED)
				    .name);
		assert_string_equal(iscsi_conn_fsm_state_name((enum iscsi_conn_state)beyond[i]),
				    "?");
		if (beyond[i] < ISCSI_CONN_EVENTS)
			continue;
		assert_null(
			iscsi_conn_fsm_move(ISCSI_CONN_S1_FREE, (enum iscsi_conn_event)beyond[i])
				.name);
		assert_string_equal(iscsi_conn_fsm_event_name((enum iscsi_conn_event)beyond[i]),
				    "?");
	}
}

/* 8.2 and 8.2.2; R1 R2 R3. */
static void cleanup(void **state)
{
	static const struct {
		const char *name[ISCSI_CLEANUP_STATES];
		enum iscsi_cleanup_state next[ISCSI_CLEANUP_STATES];
	} want[ISCSI_CLEANUP_EVENTS] = {
		[ISCSI_CLEANUP_E_TIMEOUT] = { { "M1", "", "" }, { 2, 1, 2 } },
		[ISCSI_CLEANUP_E_SESSION_CLOSED] = { { "M1", "M4", "" }, { 2, 2, 2 } },
		[ISCSI_CLEANUP_E_LOGOUT_BEGUN] = { { "M2", "", "" }, { 1, 1, 2 } },
		[ISCSI_CLEANUP_E_LOGOUT_FAILED] = { { "", "M3", "" }, { 0, 0, 2 } },
		[ISCSI_CLEANUP_E_LOGOUT_DONE] = { { "", "M4", "" }, { 0, 2, 2 } },
	};

	for (unsigned e = 0; e <= ISCSI_CLEANUP_EVENTS; e++)
		for (unsigned s = 0; s <= ISCSI_CLEANUP_STATES; s++) {
			struct iscsi_cleanup_move m = iscsi_conn_fsm_cleanup_move(
				(enum iscsi_cleanup_state)s, (enum iscsi_cleanup_event)e);

			if (e == ISCSI_CLEANUP_EVENTS || s == ISCSI_CLEANUP_STATES) {
				assert_true(!m.name && m.next == s);
				continue;
			}
			assert_string_equal(m.name ? m.name : "", want[e].name[s]);
			assert_int_equal(m.next, want[e].next[s]);
		}
}

static void names(void **state)
{
	for (unsigned s = 0; s < ISCSI_CONN_STATES; s++) {
		const char *name = iscsi_conn_fsm_state_name((enum iscsi_conn_state)s);

		assert_int_equal(name[0], 'S');
		assert_int_equal(name[1], s ? '2' + (int)s : '1');
	}
	for (unsigned e = 0; e < ISCSI_CONN_EVENTS; e++)
		assert_true(strlen(iscsi_conn_fsm_event_name((enum iscsi_conn_event)e)) > 1);
	for (unsigned s = 0; s < ISCSI_CLEANUP_STATES; s++)
		assert_int_equal(iscsi_conn_fsm_cleanup_name((enum iscsi_cleanup_state)s)[1],
				 '1' + (int)s);
	assert_string_equal(iscsi_conn_fsm_cleanup_name(ISCSI_CLEANUP_STATES), "?");
}

HARNESS_MAIN(cmocka_unit_test(only_printed_moves_and_all_of_them),
	     cmocka_unit_test(every_event_in_every_state), cmocka_unit_test(beyond_the_last),
	     cmocka_unit_test(cleanup), cmocka_unit_test(names))
