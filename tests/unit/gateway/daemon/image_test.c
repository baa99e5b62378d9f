/* SPDX-License-Identifier: BSD-3-Clause
 *
 * image_test.c - the word IMAGE: stores, names, refusals.
 */
#include "config.h"

#include "gateway/daemon/image.h"

#include <errno.h>
#include <string.h>

#include "tests/harness/harness.h"

static bool is_dev(const char *path)
{
	return !strncmp(path, "/dev/", 5);
}

static void expect(const char *word, const char *name, const char *store, const char *target)
{
	struct gw_err err = GW_ERR_NONE;
	struct image image;

	if (image_parse(word, is_dev, &image, &err))
		fail_msg("%s: %s", word, err.text);
	assert_string_equal(image.name, name);
	assert_string_equal(image.store, store);
	assert_string_equal(image.target, target);
}

static void refuse(const char *word, const char *part)
{
	struct gw_err err = GW_ERR_NONE;
	struct image image;

	assert_int_equal(image_parse(word, is_dev, &image, &err), -EINVAL);
	if (!strstr(err.text, part))
		fail_msg("%s: '%s' is not in '%s'", word, part, err.text);
}

static void stores(void **state)
{
	expect("disk.img", "disk", "file", "disk.img");
	expect("/dev/sdb", "sdb", "block", "/dev/sdb");
	expect("memory:1G", "memory", "memory", "1G");
	expect("null:512", "null", "null", "512");
	expect("./memory:1G", "memory-1g", "file", "./memory:1G");
}

static void names_from_paths(void **state)
{
	expect("/srv/My Disk.qcow.RAW", "my-disk.qcow", "file", "/srv/My Disk.qcow.RAW");
	expect("a_b", "a-b", "file", "a_b");
	expect(".hidden", ".hidden", "file", ".hidden");
	expect("x.", "x", "file", "x.");
	expect("caf\xc3\xa9.img", "caf-", "file", "caf\xc3\xa9.img");
	expect("/a.b/c", "c", "file", "/a.b/c");
}

static void names_given(void **state)
{
	expect("root=disk.img", "root", "file", "disk.img");
	expect("a.b-1=/dev/sdb", "a.b-1", "block", "/dev/sdb");
	expect("ram=memory:64M", "ram", "memory", "64M");
	expect("./a=b.img", "a-b", "file", "./a=b.img");
	expect("n=a=b.img", "n", "file", "a=b.img");
}

static void refusals(void **state)
{
	char longest[GW_NAME_MAX + 10];

	refuse("memory:", "not a size");
	refuse("memory:0", "not a size");
	refuse("null:1X", "not a size");
	refuse("x=memory:99999999E", "not a size");
	refuse("Root=disk.img", "./Root=disk.img");
	refuse("=disk.img", "1 to 223");
	refuse("x=", "names no image");
	refuse("", "names no image");
	refuse("/srv/", "no file's path");
	memset(longest, 'a', sizeof(longest));
	longest[GW_NAME_MAX] = '\0';
	refuse(longest, "too long");
	longest[GW_NAME_MAX] = '=';
	longest[GW_NAME_MAX + 1] = 'x';
	longest[GW_NAME_MAX + 2] = '\0';
	refuse(longest, "1 to 223");
}

HARNESS_MAIN(cmocka_unit_test(stores), cmocka_unit_test(names_from_paths),
	     cmocka_unit_test(names_given), cmocka_unit_test(refusals))
