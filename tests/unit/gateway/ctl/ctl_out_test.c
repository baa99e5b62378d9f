/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_out_test.c - records to JSON, and the budget that bounds them.
 */
#include "config.h"

#include "gateway/ctl/ctl_out.h"

#include <string.h>

#include "tests/harness/harness.h"

static json_t *take(struct ctl_out *o, const char *kind)
{
	json_t *list = ctl_out_list(o, kind);

	assert_non_null(list);
	return list;
}

static void records_come_out_by_kind(void **state)
{
	struct ctl_out o;
	json_t *list;

	ctl_out_begin(&o, 100000);
	gw_out_record(&o.out, "volume");
	gw_out_text(&o.out, "name", "a");
	gw_out_record(&o.out, "export");
	gw_out_text(&o.out, "volume", "a");
	gw_out_record(&o.out, "volume");
	gw_out_number(&o.out, "size_bytes", 5);
	gw_out_truth(&o.out, "read_only", true);
	list = take(&o, "volume");
	assert_int_equal(json_array_size(list), 2);
	assert_true(json_is_true(json_object_get(json_array_get(list, 1), "read_only")));
	assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 1), "size_bytes")),
			 5);
	json_decref(list);
	list = take(&o, "connection");
	assert_int_equal(json_array_size(list), 0);
	json_decref(list);
	assert_int_equal(o.left_out, 0);
	ctl_out_end(&o);
}

static void connection(struct ctl_out *o, const char *protocol, const char *volume)
{
	gw_out_record(&o->out, "connection");
	gw_out_number(&o->out, "loop", 0);
	gw_out_text(&o->out, "protocol", protocol);
	gw_out_text(&o->out, "volume", volume);
	gw_out_text(&o->out, "peer", "somebody");
}

static void only_what_is_wanted(void **state)
{
	struct ctl_out o;
	json_t *list;
	size_t bytes;

	ctl_out_begin(&o, 100000);
	ctl_out_want(&o, "protocol", "iscsi");
	ctl_out_want(&o, "volume", "a");
	connection(&o, "nbd", "a");
	connection(&o, "iscsi", "b");
	assert_int_equal(o.bytes, 0); /* what goes costs nothing */
	connection(&o, "iscsi", "a");
	bytes = o.bytes;
	connection(&o, "iscsi", "ab");
	connection(&o, "iscs", "a");
	assert_int_equal(o.bytes, bytes);
	gw_out_record(&o.out, "connection"); /* it has neither: it stays */
	list = take(&o, "connection");
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(json_array_get(list, 0), "peer")),
			    "somebody");
	json_decref(list);
	assert_int_equal(o.left_out, 0);
	ctl_out_end(&o);
}

static void attach_is_always_an_array(void **state)
{
	struct ctl_out o;
	json_t *list, *attach;

	ctl_out_begin(&o, 100000);
	gw_out_record(&o.out, "export");
	gw_out_text(&o.out, "attach", "one");
	gw_out_record(&o.out, "export");
	gw_out_text(&o.out, "attach", "one");
	gw_out_text(&o.out, "attach", "two");
	list = take(&o, "export");
	attach = json_object_get(json_array_get(list, 0), "attach");
	assert_int_equal(json_array_size(attach), 1);
	attach = json_object_get(json_array_get(list, 1), "attach");
	assert_int_equal(json_array_size(attach), 2);
	assert_string_equal(json_string_value(json_array_get(attach, 1)), "two");
	json_decref(list);
	ctl_out_end(&o);
}

static void odd_values_are_said_somehow(void **state)
{
	struct ctl_out o;
	json_t *list, *record;

	ctl_out_begin(&o, 100000);
	gw_out_text(&o.out, "before", "any record");
	gw_out_record(&o.out, "volume");
	gw_out_number(&o.out, "huge", UINT64_MAX);
	gw_out_text(&o.out, "name", "no \xff utf8");
	list = take(&o, "volume");
	record = json_array_get(list, 0);
	assert_int_equal(json_integer_value(json_object_get(record, "huge")), INT64_MAX);
	assert_string_equal(json_string_value(json_object_get(record, "name")), "no \\xff utf8");
	json_decref(list);
	ctl_out_end(&o);
}

/* Whatever the budget: what is let in costs no more than it as text, records
 * are whole, and the rest is counted. */
static void the_budget_holds(void **state)
{
	for (size_t budget = 0; budget < 3000; budget += 7) {
		struct ctl_out o;
		json_t *list;
		size_t i, n;
		json_t *record;

		ctl_out_begin(&o, budget);
		for (unsigned k = 0; k < 20; k++) {
			gw_out_record(&o.out, "connection");
			gw_out_text(&o.out, "peer", "quote \" newline \n back \\ \x01");
			gw_out_number(&o.out, "requests", UINT64_MAX);
			gw_out_truth(&o.out, "ok", false);
			gw_out_text(&o.out, "attach", "x");
			gw_out_text(&o.out, "attach", "y");
		}
		list = take(&o, "connection");
		n = json_array_size(list);
		assert_int_equal(n + o.left_out, 20);
		json_array_foreach(list, i, record) assert_int_equal(json_object_size(record), 4);
		assert_true(n == 0 || json_dumpb(list, NULL, 0, JSON_COMPACT) <= budget + 2);
		json_decref(list);
		ctl_out_end(&o);
	}
}

HARNESS_MAIN(cmocka_unit_test(records_come_out_by_kind), cmocka_unit_test(only_what_is_wanted),
	     cmocka_unit_test(attach_is_always_an_array),
	     cmocka_unit_test(odd_values_are_said_somehow), cmocka_unit_test(the_budget_holds))
