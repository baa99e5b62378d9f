/* SPDX-License-Identifier: BSD-3-Clause
 *
 * identity_test.c - the names of a volume: stable, and another one for each host, store,
 * target and name, however these are cut into words.
 */
#include "config.h"

#include "gateway/core/identity.h"

#include <string.h>

#include "tests/harness/harness.h"

static const char *const words[][4] = {
	{ "", "file", "/srv/disk.img", "disk" },   { "h1", "file", "/srv/disk.img", "disk" },
	{ "h2", "file", "/srv/disk.img", "disk" }, { "h1", "block", "/srv/disk.img", "disk" },
	{ "h1", "file", "/srv/disk.im", "gdisk" }, { "h1", "file", "/srv/disk.img", "disk2" },
	{ "h1", "file", "disk.img", "disk" },	   { "1", "file", "/srv/disk.img", "diskh" },
};
#define WORDS (sizeof(words) / sizeof(words[0]))

static struct gw_identity make(unsigned i)
{
	struct gw_identity id;

	memset(&id, 0, sizeof(id));
	gw_identity_make(words[i][0], words[i][1], words[i][2], words[i][3], &id);
	return id;
}

static void each_its_own(void **state)
{
	for (unsigned i = 0; i < WORDS; i++)
		for (unsigned j = 0; j < WORDS; j++) {
			struct gw_identity a = make(i), b = make(j);

			assert_int_equal(!memcmp(&a, &b, sizeof(a)), i == j);
			assert_int_equal(a.naa == b.naa, i == j);
			assert_int_equal(!memcmp(a.eui64, b.eui64, sizeof(a.eui64)), i == j);
			assert_int_equal(!strcmp(a.serial, b.serial), i == j);
		}
}

/* They are on disks of initiators: never another one by a new version. */
static void stays(void **state)
{
	struct gw_identity id = make(0);

	assert_int_equal(id.naa >> 60, 3);
	assert_int_equal(id.uuid[6] >> 4, 8); /* RFC 9562: custom */
	assert_int_equal(id.uuid[8] >> 6, 2);
	assert_int_equal(strlen(id.serial), 32);
	assert_string_equal(id.serial, "bbde741c3ade8a04b0caf481d5642fab");
}

HARNESS_MAIN(cmocka_unit_test(each_its_own), cmocka_unit_test(stays))
