/* SPDX-License-Identifier: BSD-3-Clause
 *
 * options.h - words of the command line against rows: which option, which value.
 *
 * Joins the daemon's rows (options.tbl) with those of every registered front
 * end.  What an option means is serve.c's business.
 */
#ifndef GATEWAY_DAEMON_OPTIONS_H
#define GATEWAY_DAEMON_OPTIONS_H

#include "gateway/api/frontend.h"
#include "gateway/base/err.h"
#include "gateway/base/str.h"

enum options_own {
#define ROW(SYMBOL, name, arg, repeatable, help) OPTIONS_##SYMBOL,
#include "gateway/daemon/options.tbl"
#undef ROW
	OPTIONS_OWN_COUNT
};

/* One option as it was given. */
struct options_word {
	const struct gw_option *row;
	const char *front; /* whose row it is; null: the daemon's own ... */
	enum options_own own; /* ... and then which */
	const char *value; /* "" for a switch; borrowed from argv */
};

struct options {
	struct options_word *words; /* in their order */
	unsigned n_words;
	const char **images; /* borrowed from argv */
	unsigned n_images;
};

/* Takes --name VALUE, --name=VALUE, and "--" before the images alone.  -EINVAL
 * with a sentence: unknown, without its value, with one too many, given twice. */
int options_parse(int argc, char **argv, struct options *out, struct gw_err *err);
void options_end(struct options *options);
bool options_has(const struct options *options, enum options_own own);

/* For people: all rows, by their owners. */
void options_help(struct str *s);
/* For tests/doc: one line a row: owner, name, argument or "-", help; tabs between. */
void options_rows(struct str *s);

#endif
