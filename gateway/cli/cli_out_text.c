/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_out_text.c - results for people: a line about the daemon, then tables.
 *
 * Which lists a verb has, and what is shown of them, stands in cli_views.tbl.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/table.h"
#include "gateway/cli/cli_out.h"
#include "gateway/cli/cli_table.h"

static const struct view {
	const char *verb, *list, *title, *keys;
} views[] = {
#define VIEW(verb, list, title, keys) { verb, list, title, keys },
#include "gateway/cli/cli_views.tbl"
#undef VIEW
};

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "?";
}

static long long number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

/* "Sluice 0.1.0, pid 12, serving for 3 min, 2 loops on io_uring" */
static void daemon_line(FILE *to, const json_t *daemon)
{
	char age[32];
	struct str s = STR_IN(age);
	long long up = number_of(daemon, "uptime_s"), loops = number_of(daemon, "loops");

	ctl_human_age(&s, up > 0 ? (uint64_t)up : 0);
	fprintf(to, "%s %s, pid %lld, %s for %s, %lld loop%s on %s\n", text_of(daemon, "product"),
		text_of(daemon, "version"), number_of(daemon, "pid"), text_of(daemon, "state"), age,
		loops, loops == 1 ? "" : "s", text_of(daemon, "driver"));
}

/* All keys that any view of this list names. */
static void named_keys(const char *verb, const char *list, struct str *s)
{
	for (size_t i = 0; i < TABLE_LEN(views); i++)
		if (!strcmp(views[i].verb, verb) && !strcmp(views[i].list, list))
			str_addf(s, "%s ", views[i].keys);
}

/* The commands that attach: too long for a column. */
static void attach_lines(FILE *to, const json_t *exports)
{
	const json_t *record, *command;
	size_t i, k;

	if (json_array_size(exports))
		fputs("\nATTACH WITH\n", to);
	json_array_foreach(exports, i, record)
		json_array_foreach(json_object_get(record, "attach"), k, command)
			fprintf(to, "%s\n", json_string_value(command));
}

static void print_view(FILE *to, const struct view *view, const json_t *result)
{
	const json_t *list = json_object_get(result, view->list);
	char named[1024];
	struct str s = STR_IN(named);

	named_keys(view->verb, view->list, &s);
	if (!strcmp(view->keys, "+"))
		cli_table_print_sums(to, view->title, named, list);
	else
		cli_table_print(to, view->title, view->keys, named, list);
}

static void reply(FILE *to, const char *verb, const json_t *result)
{
	const json_t *daemon = json_object_get(result, "daemon");
	long long left_out = number_of(result, "left_out");

	daemon_line(to, daemon ? daemon : result);
	for (size_t i = 0; i < TABLE_LEN(views); i++)
		if (!strcmp(views[i].verb, verb))
			print_view(to, &views[i], result);
	attach_lines(to, json_object_get(result, "exports"));
	if (left_out)
		fprintf(to, "\n%lld more were left out, for they do not fit into one reply.\n",
			left_out);
}

static void choice(FILE *to, const json_t *daemons)
{
	cli_table_print(to, "DAEMONS", "pid state uptime_s version control", "", daemons);
}

const struct cli_out_ops cli_out_text = { reply, choice };
