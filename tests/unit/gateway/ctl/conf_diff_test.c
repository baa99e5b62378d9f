/* SPDX-License-Identifier: BSD-3-Clause
 *
 * conf_diff_test.c - the steps from one state to another, and their order.
 *
 * States are written as words: "v:NAME:STORE:TARGET" and "f:NAME:VALUE"; steps
 * come out as "+v NAME" (phase) and so on.
 */
#include "config.h"

#include "gateway/ctl/conf_diff.h"

#include <string.h>

#include "gateway/base/str.h"
#include "tests/harness/harness.h"

static void add_word(struct conf *conf, const char *word)
{
	char a[32] = "", b[32] = "", c[32] = "";

	if (sscanf(word, "v:%31[^:]:%31[^:]:%31s", a, b, c) == 3) {
		const struct conf_volume v = { .name = a, .store = b, .target = c };

		assert_int_equal(conf_add_volume(conf, &v, NULL), 0);
	} else if (sscanf(word, "f:%31[^:]:%31s", a, b) == 2) {
		const struct gw_setting s = { a, b };

		assert_int_equal(conf_add_setting(conf, a, &s, NULL), 0);
	} else {
		fail_msg("no such word: %s", word);
	}
}

static struct conf *state_of(const char *words)
{
	struct conf *conf = conf_new();
	char word[100];
	int n;

	for (; sscanf(words, "%99s%n", word, &n) == 1; words += n)
		add_word(conf, word);
	return conf;
}

static void expect(const char *running, const char *wanted, const char *steps)
{
	static const char *const acts[] = { [CONF_ADD_VOLUME] = "+v",
					    [CONF_ADD_FRONT] = "+f",
					    [CONF_REMOVE_FRONT] = "-f",
					    [CONF_REMOVE_VOLUME] = "-v" };
	struct conf *a = state_of(running), *b = state_of(wanted);
	struct conf_step found[32];
	char text[512];
	struct str s = STR_IN(text);
	unsigned n = conf_diff(a, b, found);

	assert_true(n <= conf_diff_most(a, b));
	for (unsigned i = 0; i < n; i++)
		str_addf(&s, "%s%s%s/%u", i ? " " : "", acts[found[i].act],
			 conf_step_name(&found[i]), found[i].phase);
	assert_string_equal(text, steps);
	conf_destroy(&a);
	conf_destroy(&b);
}

static void from_nothing(void **state)
{
	expect("", "", "");
	expect("", "v:b:file:1 v:a:file:2 f:nbd:x", "+vb/1 +va/1 +fnbd/2");
}

static void to_nothing_is_the_shutdown(void **state)
{
	expect("v:a:file:1 v:b:file:2 f:nbd:x f:aoe:y", "", "-fnbd/7 -faoe/7 -va/8 -vb/8");
}

static void what_stays_is_left_alone(void **state)
{
	expect("v:a:file:1 f:nbd:x", "v:a:file:1 f:nbd:x", "");
	expect("v:a:file:1 f:nbd:x", "v:a:file:1 v:b:file:2 f:nbd:x", "+vb/1");
	expect("v:a:file:1 v:b:file:2 f:nbd:x", "v:a:file:1 f:nbd:x", "-vb/8");
}

static void a_change_closes_before_it_opens(void **state)
{
	expect("v:a:file:1", "v:a:file:2", "-va/4 +va/5");
	expect("f:nbd:x", "f:nbd:y", "-fnbd/3 +fnbd/6");
	expect("v:a:file:1 f:nbd:x", "v:a:block:1 v:b:file:3 f:nbd:y",
	       "+vb/1 -fnbd/3 -va/4 +va/5 +fnbd/6");
}

static void a_new_name_waits_for_its_store(void **state)
{
	expect("v:a:file:1", "v:b:file:1", "-va/4 +vb/5");
	expect("v:a:file:1 v:b:file:2", "v:a:file:2 v:b:file:1", "-va/4 -vb/4 +va/5 +vb/5");
}

static void what_goes_for_good_goes_last(void **state)
{
	expect("v:a:file:1 f:nbd:x", "v:b:file:2 f:aoe:y", "+vb/1 +faoe/2 -fnbd/7 -va/8");
}

HARNESS_MAIN(cmocka_unit_test(from_nothing), cmocka_unit_test(to_nothing_is_the_shutdown),
	     cmocka_unit_test(what_stays_is_left_alone),
	     cmocka_unit_test(a_change_closes_before_it_opens),
	     cmocka_unit_test(a_new_name_waits_for_its_store),
	     cmocka_unit_test(what_goes_for_good_goes_last))
