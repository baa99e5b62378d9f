/* SPDX-License-Identifier: BSD-3-Clause
 *
 * options_test.c - words against rows.
 */
#include "config.h"

#include "gateway/daemon/options.h"

#include <errno.h>
#include <string.h>

#include "tests/harness/harness.h"
#include "tests/unit/gateway/daemon/front.h"

#define WORDS(...) ((char **)(const char *[]){ __VA_ARGS__, NULL })

static int parse(char **words, struct options *out, struct gw_err *err)
{
	int n = 0;

	while (words[n])
		n++;
	return options_parse(n, words, out, err);
}

static void refuse(char **words, const char *part)
{
	struct gw_err err = GW_ERR_NONE;
	struct options options;

	assert_int_equal(parse(words, &options, &err), -EINVAL);
	if (!strstr(err.text, part))
		fail_msg("'%s' is not in '%s'", part, err.text);
}

static void both_ways_of_writing(void **state)
{
	struct options o;

	assert_int_equal(parse(WORDS("--size", "1G", "a", "--threads=2", "b"), &o, NULL), 0);
	assert_int_equal(o.n_words, 2);
	assert_int_equal(o.words[0].own, OPTIONS_SIZE);
	assert_string_equal(o.words[0].value, "1G");
	assert_int_equal(o.words[1].own, OPTIONS_THREADS);
	assert_string_equal(o.words[1].value, "2");
	assert_int_equal(o.n_images, 2);
	assert_string_equal(o.images[1], "b");
	assert_true(options_has(&o, OPTIONS_SIZE));
	assert_false(options_has(&o, OPTIONS_HELP));
	options_end(&o);
}

static void rows_of_a_front_end(void **state)
{
	struct options o;

	assert_int_equal(parse(WORDS("--fake", "1", "--fake=2", "--fake-quick", "x"), &o, NULL), 0);
	assert_int_equal(o.n_words, 3);
	assert_string_equal(o.words[0].front, "fake");
	assert_string_equal(o.words[1].value, "2");
	assert_string_equal(o.words[2].value, "");
	assert_string_equal(o.words[2].row->name, "fake-quick");
	assert_int_equal(o.words[2].own, OPTIONS_OWN_COUNT);
	options_end(&o);
}

static void after_two_dashes_all_are_images(void **state)
{
	struct options o;

	assert_int_equal(parse(WORDS("--", "--size", "-x", "--"), &o, NULL), 0);
	assert_int_equal(o.n_images, 3);
	assert_int_equal(o.n_words, 0);
	options_end(&o);
	assert_int_equal(parse(WORDS("-"), &o, NULL), 0);
	assert_int_equal(o.n_images, 1);
	options_end(&o);
}

static void refusals(void **state)
{
	refuse(WORDS("--siz", "1G"), "no option '--siz'");
	refuse(WORDS("--size"), "--size needs a value: --size SIZE");
	refuse(WORDS("--size="), "needs a value");
	refuse(WORDS("--size", ""), "needs a value");
	refuse(WORDS("--read-only=yes"), "takes no value");
	refuse(WORDS("--size=1", "--size=2"), "given twice");
	refuse(WORDS("--fake-quick", "--fake-quick"), "given twice");
	refuse(WORDS("-x"), "no option '-x'");
	refuse(WORDS("--=1"), "no option");
}

static void help_shows_every_row(void **state)
{
	static char text[16384];
	struct str s = STR_IN(text);

	options_help(&s);
	assert_false(s.cut);
#define ROW(SYMBOL, name, arg, repeatable, help) assert_non_null(strstr(text, "--" name));
#include "gateway/daemon/options.tbl"
#undef ROW
	assert_non_null(strstr(text, "--fake ADDR"));
	assert_non_null(strstr(text, "--fake-quick"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_of_writing),
		cmocka_unit_test(rows_of_a_front_end),
		cmocka_unit_test(after_two_dashes_all_are_images),
		cmocka_unit_test(refusals),
		cmocka_unit_test(help_shows_every_row),
	};

	harness_begin();
	if (gw_registry_add_front(&front_ops, NULL))
		return 1;
	return cmocka_run_group_tests_name(__FILE__, tests, NULL, NULL) != 0;
}
