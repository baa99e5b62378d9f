/* SPDX-License-Identifier: BSD-3-Clause
 *
 * banner.c - what is printed when every listener is up.  Promises in banner.h.
 *
 * It is a gw_out itself: it keeps the few fields that a line needs.
 */
#include "config.h"

#include "gateway/daemon/banner.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/ctl/ctl_human.h"
#include "gateway/daemon/process.h"

#define ATTACH_MAX 4096
#define OR "   or   " /* between the commands of one line */

struct line {
	char *name, *uri;
	char *attach; /* all of them */
	uint64_t size_bytes;
};

struct banner {
	struct gw_out out;
	struct gw_admin_op op;
	struct gw *gw;
	struct line *volumes, *exports;
	unsigned n_volumes, n_exports;
	struct line *now; /* null: of another kind, or no memory */
	void (*done)(void *arg);
	void *arg;
};

/* ---- records to lines --------------------------------------------------- */

static struct line *add_line(struct line **lines, unsigned *n)
{
	struct line *more = reallocarray(*lines, (size_t)*n + 1, sizeof(*more));

	if (!more)
		return NULL;
	*lines = more;
	more[*n] = (struct line){ 0 };
	return &more[(*n)++];
}

static void record(struct gw_out *out, const char *kind)
{
	struct banner *b = (struct banner *)out;

	if (!strcmp(kind, "volume"))
		b->now = add_line(&b->volumes, &b->n_volumes);
	else if (!strcmp(kind, "export"))
		b->now = add_line(&b->exports, &b->n_exports);
	else
		b->now = NULL;
}

static void set(char **field, const char *value)
{
	free(*field);
	*field = strdup(value);
}

static void add_attach(struct line *line, const char *command)
{
	char text[ATTACH_MAX];
	struct str s = STR_IN(text);

	if (line->attach)
		str_addf(&s, "%s" OR, line->attach);
	str_add(&s, command);
	set(&line->attach, text);
}

static void text(struct gw_out *out, const char *key, const char *value)
{
	struct banner *b = (struct banner *)out;

	if (!b->now)
		return;
	if (!strcmp(key, "name") || !strcmp(key, "volume"))
		set(&b->now->name, value);
	else if (!strcmp(key, "uri"))
		set(&b->now->uri, value);
	else if (!strcmp(key, "attach"))
		add_attach(b->now, value);
}

static void number(struct gw_out *out, const char *key, uint64_t value)
{
	struct banner *b = (struct banner *)out;

	if (b->now && !strcmp(key, "size_bytes"))
		b->now->size_bytes = value;
}

static void truth(struct gw_out *out, const char *key, bool value)
{
	(void)out;
	(void)key;
	(void)value;
}

static const struct gw_out_ops ops = { record, text, number, truth };

/* ---- lines to text ------------------------------------------------------ */

static const char *or_mark(const char *text)
{
	return text ? text : "?";
}

static uint64_t size_of(const struct banner *b, const char *name)
{
	for (unsigned i = 0; i < b->n_volumes; i++)
		if (!strcmp(or_mark(b->volumes[i].name), name))
			return b->volumes[i].size_bytes;
	return 0;
}

static void print_lines(const struct banner *b)
{
	int name_width = 0, uri_width = 0;
	char size[32];

	for (unsigned i = 0; i < b->n_exports; i++) {
		int name = (int)strlen(or_mark(b->exports[i].name));
		int uri = (int)strlen(or_mark(b->exports[i].uri));

		name_width = name > name_width ? name : name_width;
		uri_width = uri > uri_width ? uri : uri_width;
	}
	for (unsigned i = 0; i < b->n_exports; i++) {
		const struct line *line = &b->exports[i];
		struct str s = STR_IN(size);

		ctl_human_size(&s, size_of(b, or_mark(line->name)));
		process_say("%-*s  %8s  %-*s  %s", name_width, or_mark(line->name), size, uri_width,
			    or_mark(line->uri), line->attach ? line->attach : "");
	}
	process_say("ready");
}

static void free_lines(struct line *lines, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		free(lines[i].name);
		free(lines[i].uri);
		free(lines[i].attach);
	}
	free(lines);
}

static void listed(struct gw_admin_op *op)
{
	struct banner *b = op->owner;
	void (*done)(void *arg) = b->done;
	void *arg = b->arg;

	gw_list_exports(b->gw, &b->out);
	print_lines(b);
	free_lines(b->volumes, b->n_volumes);
	free_lines(b->exports, b->n_exports);
	free(b);
	done(arg);
}

int banner_print(struct gw *gw, void (*done)(void *arg), void *arg)
{
	struct banner *b = calloc(1, sizeof(*b));

	if (!b)
		return -ENOMEM;
	b->out.ops = &ops;
	b->gw = gw;
	b->done = done;
	b->arg = arg;
	b->op = (struct gw_admin_op){ .done = listed, .owner = b };
	gw_list_volumes(gw, &b->out, &b->op);
	return 0;
}
