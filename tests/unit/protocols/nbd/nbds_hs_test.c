/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_hs_test.c - the handshake's machine: every state x every event.
 */
#include "config.h"

#include "protocols/nbd/nbds_hs.h"

#include <string.h>

#include "gateway/base/table.h"
#include "tests/harness/harness.h"

/* The moves that the handshake needs; every other pair ends it. */
static const struct {
	enum nbds_hs_state from;
	enum nbds_hs_event event;
	enum nbds_hs_state to;
	enum nbds_hs_action action;
} legal[] = {
	{ NBDS_HS_GREETING, NBDS_HS_ON_SENT, NBDS_HS_FLAGS, NBDS_HS_ACT_RECV_FLAGS },
	{ NBDS_HS_FLAGS, NBDS_HS_ON_FLAGS, NBDS_HS_OPTION, NBDS_HS_ACT_RECV_OPTION },
	{ NBDS_HS_OPTION, NBDS_HS_ON_HEAD, NBDS_HS_DATA, NBDS_HS_ACT_RECV_DATA },
	{ NBDS_HS_OPTION, NBDS_HS_ON_WHOLE, NBDS_HS_HAGGLE, NBDS_HS_ACT_HAGGLE },
	{ NBDS_HS_OPTION, NBDS_HS_ON_LEAVE, NBDS_HS_LEAVING, NBDS_HS_ACT_SEND },
	{ NBDS_HS_DATA, NBDS_HS_ON_WHOLE, NBDS_HS_HAGGLE, NBDS_HS_ACT_HAGGLE },
	{ NBDS_HS_DATA, NBDS_HS_ON_DRAIN, NBDS_HS_DATA, NBDS_HS_ACT_NONE },
	{ NBDS_HS_HAGGLE, NBDS_HS_ON_ANSWERED, NBDS_HS_REPLY, NBDS_HS_ACT_SEND },
	{ NBDS_HS_HAGGLE, NBDS_HS_ON_CHOSEN, NBDS_HS_JOIN, NBDS_HS_ACT_JOIN },
	{ NBDS_HS_HAGGLE, NBDS_HS_ON_LEAVE, NBDS_HS_LEAVING, NBDS_HS_ACT_SEND },
	{ NBDS_HS_REPLY, NBDS_HS_ON_SENT, NBDS_HS_OPTION, NBDS_HS_ACT_RECV_OPTION },
	{ NBDS_HS_REPLY, NBDS_HS_ON_DRAIN, NBDS_HS_LEAVING, NBDS_HS_ACT_NONE },
	{ NBDS_HS_LEAVING, NBDS_HS_ON_SENT, NBDS_HS_ENDED, NBDS_HS_ACT_CLOSE },
	{ NBDS_HS_LEAVING, NBDS_HS_ON_DRAIN, NBDS_HS_LEAVING, NBDS_HS_ACT_NONE },
	{ NBDS_HS_JOIN, NBDS_HS_ON_JOINED, NBDS_HS_WELCOME, NBDS_HS_ACT_SEND },
	{ NBDS_HS_JOIN, NBDS_HS_ON_REFUSED, NBDS_HS_REPLY, NBDS_HS_ACT_SEND },
	{ NBDS_HS_JOIN, NBDS_HS_ON_DRAIN, NBDS_HS_JOIN, NBDS_HS_ACT_NONE },
	{ NBDS_HS_WELCOME, NBDS_HS_ON_SENT, NBDS_HS_MOVED, NBDS_HS_ACT_BEGIN },
	{ NBDS_HS_WELCOME, NBDS_HS_ON_DRAIN, NBDS_HS_WELCOME, NBDS_HS_ACT_NONE },
};

static void every_pair(void **state)
{
	unsigned seen = 0;

	for (unsigned s = 0; s <= NBDS_HS_STATE_COUNT; s++)
		for (unsigned e = 0; e <= NBDS_HS_EVENT_COUNT; e++) {
			struct nbds_hs_move want = { NBDS_HS_ENDED, NBDS_HS_ACT_CLOSE }, got;

			for (unsigned i = 0; i < TABLE_LEN(legal); i++)
				if (legal[i].from == s && legal[i].event == e) {
					want = (struct nbds_hs_move){ legal[i].to,
								      legal[i].action };
					seen++;
				}
			got = nbds_hs_next((enum nbds_hs_state)s, (enum nbds_hs_event)e);
			assert_int_equal(got.state, want.state);
			assert_int_equal(got.action, want.action);
		}
	assert_int_equal(seen, TABLE_LEN(legal));
}

/* What must end a handshake ends it, wherever it stands. */
static void nothing_survives_its_end(void **state)
{
	static const enum nbds_hs_event ends[] = { NBDS_HS_ON_OFFENCE, NBDS_HS_ON_GONE,
						   NBDS_HS_ON_LATE };

	for (unsigned s = 0; s < NBDS_HS_STATE_COUNT; s++)
		for (unsigned i = 0; i < TABLE_LEN(ends); i++)
			assert_int_equal(nbds_hs_next((enum nbds_hs_state)s, ends[i]).state,
					 NBDS_HS_ENDED);
	for (unsigned e = 0; e < NBDS_HS_EVENT_COUNT; e++) {
		assert_int_equal(nbds_hs_next(NBDS_HS_ENDED, (enum nbds_hs_event)e).action,
				 NBDS_HS_ACT_CLOSE);
		assert_int_equal(nbds_hs_next(NBDS_HS_MOVED, (enum nbds_hs_event)e).action,
				 NBDS_HS_ACT_CLOSE);
	}
}

/* Transmission is reached from WELCOME only, and WELCOME from JOIN only. */
static void one_way_in(void **state)
{
	for (unsigned s = 0; s < NBDS_HS_STATE_COUNT; s++)
		for (unsigned e = 0; e < NBDS_HS_EVENT_COUNT; e++) {
			struct nbds_hs_move m =
				nbds_hs_next((enum nbds_hs_state)s, (enum nbds_hs_event)e);

			assert_int_equal(m.state == NBDS_HS_MOVED, m.action == NBDS_HS_ACT_BEGIN);
			if (m.state == NBDS_HS_MOVED)
				assert_int_equal(s, NBDS_HS_WELCOME);
			if (m.state == NBDS_HS_WELCOME)
				assert_true(s == NBDS_HS_JOIN || s == NBDS_HS_WELCOME);
		}
}

static void all_have_names(void **state)
{
	assert_string_equal(nbds_hs_state_name(NBDS_HS_GREETING), "GREETING");
	assert_string_equal(nbds_hs_state_name(NBDS_HS_ENDED), "ENDED");
	assert_string_equal(nbds_hs_event_name(NBDS_HS_ON_DRAIN), "DRAIN");
	assert_string_equal(nbds_hs_state_name(NBDS_HS_STATE_COUNT), "?");
	assert_string_equal(nbds_hs_event_name(NBDS_HS_EVENT_COUNT), "?");
}

HARNESS_MAIN(cmocka_unit_test(every_pair), cmocka_unit_test(nothing_survives_its_end),
	     cmocka_unit_test(one_way_in), cmocka_unit_test(all_have_names))
