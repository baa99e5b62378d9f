/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_name_test.c - IFACE[:SHELF.SLOT] in every form, and the numbers that follow.
 */
#include "config.h"

#include "protocols/aoe/aoe_name.h"

#include <errno.h>
#include <string.h>

#include "tests/harness/harness.h"

static const struct {
	const char *text, *ifname; /* ifname null: refused */
	unsigned shelf, slot;
} rows[] = {
	{ "eth0", "eth0", 0, 0 },
	{ "eth0:7.1", "eth0", 7, 1 },
	{ "eth0.5:65534.254", "eth0.5", 65534, 254 },
	{ "a:b:1.2", "a:b", 1, 2 },
	{ "fifteen-letters:0.0", "fifteen-letters", 0, 0 },
	{ "sixteen--letters:0.0", NULL, 0, 0 },
	{ "", NULL, 0, 0 },
	{ ":1.2", NULL, 0, 0 },
	{ "eth0:", NULL, 0, 0 },
	{ "eth0:1", NULL, 0, 0 },
	{ "eth0:1.", NULL, 0, 0 },
	{ "eth0:.1", NULL, 0, 0 },
	{ "eth0:1.2.3", NULL, 0, 0 },
	{ "eth0:65535.0", NULL, 0, 0 },
	{ "eth0:0.255", NULL, 0, 0 },
	{ "eth0:-1.0", NULL, 0, 0 },
	{ "eth0:0x1.0", NULL, 0, 0 },
	{ "eth0:1. 2", NULL, 0, 0 },
	{ "eth0:99999999999999999999.0", NULL, 0, 0 },
};

static void every_form(void **state)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct gw_err err = GW_ERR_NONE;
		struct aoe_name name = { .shelf = 99 };
		int rc = aoe_name_parse(rows[i].text, &name, &err);

		assert_int_equal(rc, rows[i].ifname ? 0 : -EINVAL);
		if (rc) {
			assert_int_equal(name.shelf, 99);
			assert_non_null(strstr(err.text, "--aoe"));
			continue;
		}
		assert_string_equal(name.ifname, rows[i].ifname);
		assert_int_equal(name.shelf, rows[i].shelf);
		assert_int_equal(name.slot, rows[i].slot);
	}
}

static void numbers(void **state)
{
	struct aoe_name name = { .shelf = 3, .slot = 250 };
	uint16_t shelf = 0;
	uint8_t slot = 0;

	for (unsigned n = 0; n < 5; n++) {
		assert_true(aoe_name_number(&name, n, &shelf, &slot));
		assert_int_equal(shelf, 3);
		assert_int_equal(slot, 250 + n);
	}
	assert_false(aoe_name_number(&name, 5, &shelf, &slot));
	assert_false(aoe_name_number(&name, 4000000000u, &shelf, &slot));
}

HARNESS_MAIN(cmocka_unit_test(every_form), cmocka_unit_test(numbers))
