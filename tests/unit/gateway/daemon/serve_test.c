/* SPDX-License-Identifier: BSD-3-Clause
 *
 * serve_test.c - what the words mean: the wanted state, and the refusals.
 */
#include "config.h"

#include "gateway/daemon/serve.h"

#include <errno.h>
#include <string.h>

#include "gateway/loop/loop.h"
#include "tests/harness/harness.h"
#include "tests/unit/gateway/daemon/front.h"

#define WORDS(...) ((char **)(const char *[]){ __VA_ARGS__, NULL })

static bool is_block(const char *path)
{
	return !strcmp(path, "/dev/x");
}

static const char *folder = "/w";

static int build(char **words, struct serve *out, struct gw_err *err)
{
	const struct serve_place place = { .is_block = is_block, .folder = folder };
	struct options options;
	int n = 0, rc;

	while (words[n])
		n++;
	rc = options_parse(n, words, &options, err);
	if (rc)
		return rc;
	rc = serve_build(&options, &place, out, err);
	options_end(&options);
	return rc;
}

static void refuse(char **words, const char *part)
{
	struct gw_err err = GW_ERR_NONE;
	struct serve serve;
	int rc = build(words, &serve, &err);

	assert_true(rc == -EINVAL || rc == -EEXIST);
	if (!strstr(err.text, part))
		fail_msg("'%s' is not in '%s'", part, err.text);
}

static void the_plain_case(void **state)
{
	struct serve s;

	assert_int_equal(build(WORDS("disk.img"), &s, NULL), 0);
	assert_int_equal(s.conf->n_volumes, 1);
	assert_string_equal(s.conf->volumes[0].name, "disk");
	assert_false(s.conf->volumes[0].read_only);
	assert_null(s.conf->volumes[0].size_text);
	assert_int_equal(s.conf->n_fronts, 1);
	assert_string_equal(s.conf->fronts[0].settings[0].value, "here");
	assert_int_equal(s.threads, 0);
	assert_null(s.engine);
	assert_null(s.control);
	assert_int_equal(s.limits.pool_bytes, 0);
	serve_end(&s);
}

/* A volume is known by its path: the same word in another folder is another disk. */
static void paths_from_the_root(void **state)
{
	static const char *const whole[][2] = {
		{ "a", "/w/a" },	{ "./a", "/w/a" },     { ".//./a", "/w/a" },
		{ "d/a", "/w/d/a" },	{ "../a", "/w/../a" }, { ".a", "/w/.a" },
		{ "/x/./a", "/x/./a" }, { "memory:1M", "1M" }, { "b=/dev/x", "/dev/x" },
	};
	char deep[9000];
	struct serve s;

	for (unsigned i = 0; i < sizeof(whole) / sizeof(whole[0]); i++) {
		assert_int_equal(build(WORDS(whole[i][0]), &s, NULL), 0);
		assert_string_equal(s.conf->volumes[0].target, whole[i][1]);
		serve_end(&s);
	}
	memset(deep, '/', sizeof(deep));
	memcpy(deep, "a=b", 3);
	deep[sizeof(deep) - 1] = '\0';
	refuse(WORDS(deep), "too long");
	folder = "";
	assert_int_equal(build(WORDS("a"), &s, NULL), 0);
	assert_string_equal(s.conf->volumes[0].target, "a");
	serve_end(&s);
	folder = "/w";
}

static void options_hold_for_every_image(void **state)
{
	struct serve s;

	assert_int_equal(build(WORDS("a", "--read-only", "--size", "2G", "--block-size=4k",
				     "--write-through", "--direct", "x=/dev/x"),
			       &s, NULL),
			 0);
	for (unsigned i = 0; i < 2; i++) {
		const struct conf_volume *v = &s.conf->volumes[i];

		assert_true(v->read_only && v->write_through && v->direct);
		assert_string_equal(v->size_text, "2G");
		assert_int_equal(v->block_bytes, 4096);
	}
	assert_string_equal(s.conf->volumes[1].store, "block");
	serve_end(&s);
}

static void options_of_the_process(void **state)
{
	struct serve s;

	assert_int_equal(build(WORDS("a", "--threads", "64", "--engine", "aio", "--pool", "min",
				     "--control", "/x/y"),
			       &s, NULL),
			 0);
	assert_int_equal(s.threads, 64);
	assert_ptr_equal(s.engine, &drv_aio);
	assert_int_equal(s.limits.pool_bytes, GW_POOL_MIN_BYTES);
	assert_string_equal(s.control, "/x/y");
	serve_end(&s);
}

static void a_named_protocol_stands_alone(void **state)
{
	struct serve s;

	assert_int_equal(build(WORDS("a", "--fake=1", "--fake=2"), &s, NULL), 0);
	assert_int_equal(s.conf->fronts[0].n_settings, 2);
	assert_string_equal(s.conf->fronts[0].settings[1].value, "2");
	serve_end(&s);
}

static void refusals(void **state)
{
	refuse(WORDS("--read-only"), "nothing to serve");
	refuse(WORDS("a", "--size", "big"), "--size: 'big'");
	refuse(WORDS("a", "--size", "0"), "--size: '0'");
	refuse(WORDS("a", "--size", "-1"), "--size: '-1'");
	refuse(WORDS("a", "--block-size", "0"), "--block-size");
	refuse(WORDS("a", "--block-size", "256"), "--block-size");
	refuse(WORDS("a", "--block-size", "1000"), "--block-size");
	refuse(WORDS("a", "--block-size", "128K"), "--block-size");
	refuse(WORDS("a", "--threads", "0"), "--threads");
	refuse(WORDS("a", "--threads", "65"), "--threads");
	refuse(WORDS("a", "--threads", "2x"), "--threads");
	refuse(WORDS("a", "--engine", "epoll"), "neither uring nor aio");
	refuse(WORDS("a", "--pool", "1M"), "too small");
	refuse(WORDS("a", "--pool", "much"), "neither a size nor 'min'");
	refuse(WORDS("one/disk.img", "two/disk.raw"), "/w/one/disk.img and /w/two/disk.raw");
	refuse(WORDS("a", "a=b"), "two images are named 'a'");
	refuse(WORDS("memory:"), "not a size");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_plain_case),
		cmocka_unit_test(options_hold_for_every_image),
		cmocka_unit_test(options_of_the_process),
		cmocka_unit_test(paths_from_the_root),
		cmocka_unit_test(a_named_protocol_stands_alone),
		cmocka_unit_test(refusals),
	};

	harness_begin();
	if (gw_registry_add_front(&front_ops, NULL))
		return 1;
	return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL) != 0;
}
