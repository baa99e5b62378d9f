/* SPDX-License-Identifier: BSD-3-Clause
 *
 * options.c - the command line of the daemon.  Promises in options.h.
 */
#include "config.h"

#include "gateway/daemon/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/core/registry.h"

static const struct gw_option own_rows[OPTIONS_OWN_COUNT] = {
#define ROW(SYMBOL, name, arg, repeatable, help) { name, arg, help, repeatable },
#include "gateway/daemon/options.tbl"
#undef ROW
};

/* Is this row called so, in a word that may go on with "=VALUE"? */
static bool is_called(const struct gw_option *row, const char *word, size_t len)
{
	return strlen(row->name) == len && !memcmp(row->name, word, len);
}

/* Fills row, front and own; false: nobody has such an option. */
static bool find_row(const char *word, size_t len, struct options_word *out)
{
	const struct gw_front_ops *front;

	for (unsigned i = 0; i < OPTIONS_OWN_COUNT; i++) {
		if (!is_called(&own_rows[i], word, len))
			continue;
		*out = (struct options_word){ .row = &own_rows[i], .own = (enum options_own)i };
		return true;
	}
	for (unsigned f = 0; (front = gw_registry_front_at(f)); f++) {
		for (unsigned i = 0; i < front->n_options; i++) {
			if (!is_called(&front->options[i], word, len))
				continue;
			*out = (struct options_word){ .row = &front->options[i],
						      .front = front->name,
						      .own = OPTIONS_OWN_COUNT };
			return true;
		}
	}
	return false;
}

static bool is_given(const struct options *options, const struct gw_option *row)
{
	for (unsigned i = 0; i < options->n_words; i++)
		if (options->words[i].row == row)
			return true;
	return false;
}

/* One option; *more says whether the next word was taken as its value. */
static int take_option(struct options *out, const char *text, const char *next, bool *more,
		       struct gw_err *err)
{
	const char *name = text + 2, *equals = strchr(name, '=');
	size_t len = equals ? (size_t)(equals - name) : strlen(name);
	struct options_word word;

	*more = false;
	if (!str_starts(text, "--") || !find_row(name, len, &word))
		return gw_err_set(err, EINVAL,
				  "there is no option '%s'; 'sluice serve --help' lists them",
				  text);
	if (!word.row->repeatable && is_given(out, word.row))
		return gw_err_set(err, EINVAL, "--%s is given twice", word.row->name);
	if (!word.row->arg && equals)
		return gw_err_set(err, EINVAL, "--%s takes no value", word.row->name);
	if (!word.row->arg)
		word.value = "";
	else if (equals)
		word.value = equals + 1;
	else
		word.value = next;
	*more = word.row->arg && !equals;
	if (!word.value || (word.row->arg && !*word.value))
		return gw_err_set(err, EINVAL, "--%s needs a value: --%s %s", word.row->name,
				  word.row->name, word.row->arg);
	out->words[out->n_words++] = word;
	return 0;
}

static int take_all(int argc, char **argv, struct options *out, struct gw_err *err)
{
	bool only_images = false;
	int rc = 0;

	for (int i = 0; !rc && i < argc; i++) {
		bool more = false;

		if (!only_images && !strcmp(argv[i], "--"))
			only_images = true;
		else if (!only_images && argv[i][0] == '-' && argv[i][1])
			rc = take_option(out, argv[i], argv[i + 1], &more, err);
		else
			out->images[out->n_images++] = argv[i];
		i += more;
	}
	return rc;
}

int options_parse(int argc, char **argv, struct options *out, struct gw_err *err)
{
	struct options mine = {
		.words = calloc((size_t)argc + 1, sizeof(*mine.words)),
		.images = calloc((size_t)argc + 1, sizeof(*mine.images)),
	};
	int rc;

	if (mine.words && mine.images)
		rc = take_all(argc, argv, &mine, err);
	else
		rc = gw_err_set(err, ENOMEM, "no memory for the command line");
	if (rc)
		options_end(&mine);
	else
		*out = mine;
	return rc;
}

void options_end(struct options *options)
{
	free(options->words);
	free(options->images);
	*options = (struct options){ 0 };
}

bool options_has(const struct options *options, enum options_own own)
{
	return is_given(options, &own_rows[own]);
}

/* ---- for people and tests ----------------------------------------------- */

static void help_row(struct str *s, const char *owner, const struct gw_option *row)
{
	size_t at = s->len;

	(void)owner;
	str_addf(s, "  --%s%s%s", row->name, row->arg ? " " : "", row->arg ? row->arg : "");
	do {
		str_add_char(s, ' ');
	} while (!s->cut && s->len - at < 30);
	str_addf(s, "%s%s\n", row->help, row->repeatable ? " (may be repeated)" : "");
}

static void test_row(struct str *s, const char *owner, const struct gw_option *row)
{
	str_addf(s, "%s\t%s\t%s\t%s\n", owner, row->name, row->arg ? row->arg : "-", row->help);
}

static void each_row(struct str *s, const struct gw_option *rows, unsigned n, const char *owner,
		     void (*each)(struct str *s, const char *owner, const struct gw_option *row))
{
	for (unsigned i = 0; i < n; i++)
		each(s, owner, &rows[i]);
}

void options_help(struct str *s)
{
	const struct gw_front_ops *front;

	str_add(s, "usage: sluice serve [OPTION]... IMAGE...\n\n"
		   "IMAGE is a file, a block device, memory:SIZE or null:SIZE; NAME=IMAGE names\n"
		   "the export.  SIZE takes K, M, G, T.\n\n");
	for (unsigned f = 0; (front = gw_registry_front_at(f)); f++) {
		str_addf(s, "%s - %s\n", front->name, front->help);
		each_row(s, front->options, front->n_options, front->name, help_row);
		str_add_char(s, '\n');
	}
	str_add(s, "All protocols\n");
	each_row(s, own_rows, OPTIONS_OWN_COUNT, NULL, help_row);
	str_add(s, "\nWithout options of a protocol each serves its default on loopback.\n"
		   "See sluiced(8).\n");
}

void options_rows(struct str *s)
{
	const struct gw_front_ops *front;

	each_row(s, own_rows, OPTIONS_OWN_COUNT, "sluiced", test_row);
	for (unsigned f = 0; (front = gw_registry_front_at(f)); f++)
		each_row(s, front->options, front->n_options, front->name, test_row);
}
