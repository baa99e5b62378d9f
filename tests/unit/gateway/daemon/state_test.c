/* SPDX-License-Identifier: BSD-3-Clause
 *
 * state_test.c - where what must survive is kept: by who runs, and what he says.
 */
#include "config.h"

#include "gateway/daemon/state.h"

#include "tests/harness/harness.h"

static const struct {
	uint32_t uid;
	struct state_env env;
	const char *want; /* null: nowhere */
} rows[] = {
	{ 0, { 0 }, "/var/lib/sluice" },
	{ 0, { .home = "/root" }, "/var/lib/sluice" },
	{ 0, { .state_directory = "/s" }, "/s" },
	{ 7, { .state_directory = "/a:/b", .home = "/h" }, "/a" },
	{ 7, { .xdg_state_home = "/x", .home = "/h" }, "/x/sluice" },
	{ 7, { .xdg_state_home = "relative", .home = "/h" }, "/h/.local/state/sluice" },
	{ 7, { .xdg_state_home = "", .home = "/h" }, "/h/.local/state/sluice" },
	{ 7, { .state_directory = "" }, NULL },
	{ 7, { .home = "here" }, NULL },
	{ 7, { 0 }, NULL },
};

static void every_row(void **state)
{
	char folder[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		bool found = state_folder(rows[i].uid, &rows[i].env, folder, sizeof(folder));

		assert_int_equal(found, rows[i].want != NULL);
		if (found)
			assert_string_equal(folder, rows[i].want);
	}
}

static void too_long(void **state)
{
	const struct state_env env = { .home = "/a/long/home" };
	char folder[64];
	size_t fits = sizeof("/a/long/home/.local/state/sluice");

	assert_true(state_folder(7, &env, folder, fits));
	assert_false(state_folder(7, &env, folder, fits - 1));
}

HARNESS_MAIN(cmocka_unit_test(every_row), cmocka_unit_test(too_long))
