/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_path_test.c - where control sockets lie.
 */
#include "config.h"

#include "gateway/ctl/ctl_path.h"

#include <string.h>

#include "tests/harness/harness.h"

static void expect_folders(uint32_t uid, const char *xdg, const char *first, const char *second)
{
	char buf[CTL_PATH_MAX];

	assert_true(ctl_path_folder(0, uid, xdg, buf, sizeof(buf)));
	assert_string_equal(buf, first);
	assert_int_equal(ctl_path_folder(1, uid, xdg, buf, sizeof(buf)), second != NULL);
	if (second)
		assert_string_equal(buf, second);
	assert_false(ctl_path_folder(2, uid, xdg, buf, sizeof(buf)));
}

static void folders(void **state)
{
	expect_folders(0, NULL, "/run/sluice", "/tmp/sluice-0");
	expect_folders(0, "/run/user/0", "/run/sluice", "/tmp/sluice-0");
	expect_folders(5, "/run/user/5", "/run/user/5/sluice", "/tmp/sluice-5");
	expect_folders(5, NULL, "/tmp/sluice-5", NULL);
	expect_folders(5, "", "/tmp/sluice-5", NULL);
	expect_folders(5, "relative", "/tmp/sluice-5", NULL);
}

static void sockets(void **state)
{
	char buf[CTL_PATH_MAX], folder[CTL_PATH_MAX];

	assert_true(ctl_path_socket("/run/sluice", 12, buf, sizeof(buf)));
	assert_string_equal(buf, "/run/sluice/serve-12.sock");
	memset(folder, 'x', sizeof(folder));
	folder[sizeof(folder) - 1] = '\0';
	assert_false(ctl_path_socket(folder, 12, buf, sizeof(buf)));
}

static void names(void **state)
{
	static const char *const wrong[] = {
		"",
		"serve-.sock",
		"serve-1.sock2",
		"serve-1",
		"serve-x.sock",
		"serve-1x.sock",
		"serve--1.sock",
		"Serve-1.sock",
		".sock",
		"serve",
		"serve-4294967296.sock",
		"serve-1.sock.sock",
		"serve-000000000000000000001.sock",
	};
	uint32_t pid = 99;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(ctl_path_is_socket(wrong[i], &pid));
	assert_int_equal(pid, 99);
	assert_true(ctl_path_is_socket("serve-4294967295.sock", &pid));
	assert_int_equal(pid, 4294967295u);
}

HARNESS_MAIN(cmocka_unit_test(folders), cmocka_unit_test(sockets), cmocka_unit_test(names))
