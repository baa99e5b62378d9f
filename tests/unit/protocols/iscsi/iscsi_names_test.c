/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_names_test.c - names of targets that an administrator may give.  SendTargets and
 * what a login finds: iscsi_talk_test.c and the others that log in.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_names.h"

#include <errno.h>
#include <string.h>

#include "tests/harness/harness.h"

static void given(void **state)
{
	static const char *const good[] = { "iqn.2026-11.org.example:disk1",
					    "iqn.2026-11.org.example", "eui.0123456789ABCDEF",
					    "naa.0123456789abcdef" };

	for (unsigned i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct iscsi_names names = { .only = "" };
		struct gw_err err = GW_ERR_NONE;

		assert_int_equal(iscsi_names_set(&names, good[i], &err), 0);
		assert_int_equal(strcasecmp(names.only, good[i]), 0);
		for (const char *c = names.only; *c; c++)
			assert_false(*c >= 'A' && *c <= 'Z'); /* RFC 3722: folded */
	}
}

static void refused(void **state)
{
	char longest[ISCSI_NAME_MAX + 2];
	const char *bad[] = { "",
			      "disk",
			      "iqn.",
			      "eui.0123",
			      "naa.xyz",
			      "iqn.2026-11.org.example:a b",
			      "iqn.2026",
			      "iqn.2026-11",
			      "iqn.2026-11.",
			      "iqn.2026-11.:a",
			      "iqn.26-11.org.example",
			      "iqn.2026-1x.org",
			      longest };

	memset(longest, 'a', sizeof(longest));
	memcpy(longest, "iqn.2026-11.", 12);
	longest[sizeof(longest) - 1] = 0;
	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct iscsi_names names = { .only = "" };
		struct gw_err err = GW_ERR_NONE;

		assert_int_equal(iscsi_names_set(&names, bad[i], &err), -EINVAL);
		assert_int_equal(names.only[0], 0);
		assert_non_null(strstr(err.text, "is no iSCSI name"));
	}
}

HARNESS_MAIN(cmocka_unit_test(given), cmocka_unit_test(refused))
