/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conf_test.c - building, copying and comparing a wanted state.
 */
#include "config.h"

#include "gateway/ctl/conf.h"

#include <errno.h>
#include <string.h>

#include "gateway/api/volume.h"
#include "tests/harness/harness.h"

static struct conf_volume volume(const char *name, const char *target)
{
	return (struct conf_volume){ .name = name, .store = "file", .target = target };
}

static void names(void **state)
{
	char longest[GW_NAME_MAX + 1];

	memset(longest, 'a', sizeof(longest));
	longest[GW_NAME_MAX - 1] = '\0';
	assert_true(conf_name_is_good(longest));
	longest[GW_NAME_MAX - 1] = 'a';
	longest[GW_NAME_MAX] = '\0';
	assert_false(conf_name_is_good(longest));
	assert_true(conf_name_is_good("a-b.c9"));
	assert_false(conf_name_is_good(""));
	assert_false(conf_name_is_good("A"));
	assert_false(conf_name_is_good("a b"));
	assert_false(conf_name_is_good("a/b"));
}

static void two_of_one_name_are_both_named(void **state)
{
	struct conf *conf = conf_new();
	struct conf_volume a = volume("disk", "/one/disk.img"), b = volume("disk", "/two/disk.raw");
	struct gw_err err = GW_ERR_NONE;

	assert_int_equal(conf_add_volume(conf, &a, &err), 0);
	assert_int_equal(conf_add_volume(conf, &b, &err), -EEXIST);
	assert_non_null(strstr(err.text, "'disk'"));
	assert_non_null(strstr(err.text, "/one/disk.img"));
	assert_non_null(strstr(err.text, "/two/disk.raw"));
	assert_int_equal(conf->n_volumes, 1);
	b.name = "Disk";
	assert_int_equal(conf_add_volume(conf, &b, &err), -EINVAL);
	conf_destroy(&conf);
	assert_null(conf);
	conf_destroy(&conf);
}

static void settings_keep_their_order(void **state)
{
	struct conf *conf = conf_new(), *copy;
	const struct gw_setting one = { "nbd", "127.0.0.1:1" }, two = { "nbd", "unix:/x" };
	const struct conf_front *front;

	assert_int_equal(conf_add_setting(conf, "nbd", &one, NULL), 0);
	assert_int_equal(conf_add_setting(conf, "nbd", &two, NULL), 0);
	assert_int_equal(conf->n_fronts, 1);
	copy = conf_copy(conf);
	conf_destroy(&conf);
	front = conf_find_front(copy, "nbd");
	assert_int_equal(front->n_settings, 2);
	assert_string_equal(front->settings[0].value, "127.0.0.1:1");
	assert_string_equal(front->settings[1].value, "unix:/x");
	assert_int_equal(conf_add_front(copy, front, NULL), -EEXIST);
	assert_true(conf_drop_front(copy, "nbd"));
	assert_false(conf_drop_front(copy, "nbd"));
	conf_destroy(&copy);
}

static void dropping_keeps_the_others(void **state)
{
	struct conf *conf = conf_new();
	struct conf_volume v[] = { volume("a", "1"), volume("b", "2"), volume("c", "3") };

	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(conf_add_volume(conf, &v[i], NULL), 0);
	assert_true(conf_drop_volume(conf, "b"));
	assert_false(conf_drop_volume(conf, "b"));
	assert_int_equal(conf->n_volumes, 2);
	assert_string_equal(conf->volumes[0].name, "a");
	assert_string_equal(conf->volumes[1].target, "3");
	assert_null(conf_find_volume(conf, "b"));
	conf_destroy(&conf);
}

static void every_member_counts_for_same(void **state)
{
	const struct conf_volume a = volume("a", "1");
	struct conf_volume b[] = { a, a, a, a, a, a, a, a };

	assert_true(conf_volume_same(&a, &b[0]));
	b[0].name = "b";
	b[1].store = "block";
	b[2].target = "2";
	b[3].size_text = "1G";
	b[4].block_bytes = 4096;
	b[5].read_only = true;
	b[6].direct = true;
	b[7].write_through = true;
	for (unsigned i = 0; i < 8; i++)
		assert_false(conf_volume_same(&a, &b[i]));
}

static void fronts_differ_by_settings(void **state)
{
	struct gw_setting s[] = { { "nbd", "1" }, { "nbd", "2" } };
	struct gw_setting t[] = { { "nbd", "1" }, { "nbd", "3" } };
	struct conf_front a = { "nbd", s, 2 }, b = { "nbd", t, 2 };

	assert_true(conf_front_same(&a, &a));
	assert_false(conf_front_same(&a, &b));
	b.n_settings = a.n_settings = 1;
	assert_true(conf_front_same(&a, &b));
	b.n_settings = 0;
	assert_false(conf_front_same(&a, &b));
}

HARNESS_MAIN(cmocka_unit_test(names), cmocka_unit_test(two_of_one_name_are_both_named),
	     cmocka_unit_test(settings_keep_their_order),
	     cmocka_unit_test(dropping_keeps_the_others),
	     cmocka_unit_test(every_member_counts_for_same),
	     cmocka_unit_test(fronts_differ_by_settings))
