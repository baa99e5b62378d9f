/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sluice.c - the client: words to a message, the reply to output.
 *
 *	sluice serve ...       becomes sluiced, which does it
 *	sluice VERB [OPTION]   asks the daemon; the verbs are ctl_cmds.tbl's
 *
 * Exit: 0; 1 it failed, and a sentence says why; 2 the words are wrong.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/table.h"
#include "gateway/cli/cli_call.h"
#include "gateway/cli/cli_find.h"
#include "gateway/cli/cli_out.h"
#include "gateway/cli/cli_words.h"

#define EXIT_FAILED 1
#define EXIT_WORDS 2
#define PATH_BYTES 4096

enum option {
#define ROW(SYMBOL, name, arg, help) OPTION_##SYMBOL,
#include "gateway/cli/cli_options.tbl"
#undef ROW
	OPTION_COUNT
};

static const struct option_row {
	const char *name, *arg, *help;
} option_rows[OPTION_COUNT] = {
#define ROW(SYMBOL, name, arg, help) { name, arg, help },
#include "gateway/cli/cli_options.tbl"
#undef ROW
};

/* Words of our own, beside the verbs. */
static const struct table_row own_words[] = {
	{ "serve", "serve images (see 'sluice serve --help')" },
	{ "help", "print this" },
};

static int complain(int code, const char *text)
{
	fprintf(stderr, "sluice: %s\n", text);
	return code;
}

/* ---- serve -------------------------------------------------------------- */

/* $SLUICED; or the daemon that belongs to this client: beside it in the tree where
 * both were built, or where both were installed. */
static void become_daemon(char **argv)
{
	static const char *const beside[] = { "../daemon/sluiced", "../sbin/sluiced", "sluiced" };
	const char *told = getenv("SLUICED");
	char self[PATH_BYTES], path[PATH_BYTES + 32];
	ssize_t len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (told && *told) {
		execv(told, argv);
		return;
	}
	self[len > 0 ? len : 0] = '\0';
	slash = strrchr(self, '/');
	for (unsigned i = 0; slash && i < TABLE_LEN(beside); i++) {
		snprintf(path, sizeof(path), "%.*s/%s", (int)(slash - self), self, beside[i]);
		if (!access(path, X_OK))
			execv(path, argv);
	}
	execv(SBINDIR "/sluiced", argv);
}

static int serve(int argc, char **argv)
{
	char **words = calloc((size_t)argc + 1, sizeof(*words));

	if (!words)
		return complain(EXIT_FAILED, "no memory");
	memcpy(words, argv, (size_t)argc * sizeof(*words));
	words[0] = (char[]){ "sluiced" };
	become_daemon(words);
	free(words);
	fprintf(stderr, "sluice: cannot start sluiced: %s\n", strerror(errno));
	return EXIT_FAILED;
}

/* ---- words -------------------------------------------------------------- */

static int help(void)
{
	const struct ctl_verb_row *row;

	printf("usage: sluice serve [OPTION]... IMAGE...\n"
	       "       sluice VERB [OPTION]...\n\n");
	for (size_t i = 0; i < TABLE_LEN(own_words); i++)
		printf("  %-20s%s\n", own_words[i].name, own_words[i].help);
	for (unsigned i = 0; (row = ctl_verbs_at(i)); i++)
		printf("  %-20s%s\n", row->name, row->help);
	printf("\n");
	for (unsigned i = 0; i < OPTION_COUNT; i++)
		printf("  --%-8s %-8s %s\n", option_rows[i].name,
		       option_rows[i].arg ? option_rows[i].arg : "", option_rows[i].help);
	printf("\nSee sluice(8).\n");
	return 0;
}

/* For tests/doc: one line a row. */
static int print_rows(void)
{
	const struct ctl_verb_row *row;

	for (unsigned i = 0; i < OPTION_COUNT; i++)
		printf("option\t%s\t%s\t%s\n", option_rows[i].name,
		       option_rows[i].arg ? option_rows[i].arg : "-", option_rows[i].help);
	for (size_t i = 0; i < TABLE_LEN(own_words); i++)
		printf("verb\t%s\t-\t%s\n", own_words[i].name, own_words[i].help);
	for (unsigned i = 0; (row = ctl_verbs_at(i)); i++)
		printf("verb\t%s\t-\t%s\n", row->name, row->help);
	return 0;
}

static unsigned suggest(const char *word, const char *known, unsigned n)
{
	if (!cli_words_near(word, known))
		return n;
	fprintf(stderr, "%s '%s'", n ? " or" : "; did you mean", known);
	return n + 1;
}

static int unknown_word(const char *word)
{
	const struct ctl_verb_row *row;
	unsigned n = 0;

	fprintf(stderr, "sluice: '%s' is not a word that sluice knows", word);
	for (size_t i = 0; i < TABLE_LEN(own_words); i++)
		n = suggest(word, own_words[i].name, n);
	for (unsigned i = 0; (row = ctl_verbs_at(i)); i++)
		n = suggest(word, row->name, n);
	fprintf(stderr, "%s\n", n ? "?" : "; 'sluice help' lists them");
	return EXIT_WORDS;
}

/* ---- ask ---------------------------------------------------------------- */

static int option_find(const char *name, size_t len)
{
	for (int i = 0; i < OPTION_COUNT; i++)
		if (strlen(option_rows[i].name) == len && !memcmp(option_rows[i].name, name, len))
			return i;
	return -1;
}

/* Fills values[option] with what was given; "" for a switch. */
static int take_options(int argc, char **argv, const char **values)
{
	for (int i = 0; i < argc; i++) {
		const char *name = argv[i] + 2, *equals;
		int option;

		equals = str_starts(argv[i], "--") ? strchr(name, '=') : NULL;
		option = !str_starts(argv[i], "--")
				 ? -1
				 : option_find(name,
					       equals ? (size_t)(equals - name) : strlen(name));
		if (option < 0 || (equals && !option_rows[option].arg)) {
			fprintf(stderr, "sluice: '%s' is not understood; see 'sluice help'\n",
				argv[i]);
			return EXIT_WORDS;
		}
		values[option] = equals ? equals + 1 : "";
		if (option_rows[option].arg && !equals)
			values[option] = ++i < argc ? argv[i] : "";
		if (option_rows[option].arg && !*values[option]) {
			fprintf(stderr, "sluice: --%s needs a value: --%s %s\n",
				option_rows[option].name, option_rows[option].name,
				option_rows[option].arg);
			return EXIT_WORDS;
		}
	}
	return 0;
}

/* What to ask, and how to show the answer. */
struct question {
	const char *verb;
	json_t *params;
	const struct cli_out_ops *out;
};

static int ask(const char *path, const struct question *q)
{
	struct gw_err err = GW_ERR_NONE;
	json_t *result;

	if (cli_call(path, q->verb, q->params, &result, &err))
		return complain(EXIT_FAILED, err.text);
	q->out->reply(stdout, q->verb, result);
	json_decref(result);
	return fflush(stdout) ? EXIT_FAILED : 0;
}

/* Several run: say which, and how to choose. */
static int offer_choice(const struct cli_daemon *daemons, unsigned n, const struct question *q)
{
	json_t *list = json_array();

	for (unsigned i = 0; list && i < n; i++) {
		json_t *facts;

		if (cli_call(daemons[i].path, "version", NULL, &facts, NULL))
			continue; /* it just ended */
		json_object_set_new(facts, "control", json_string(daemons[i].path));
		json_array_append_new(list, facts);
	}
	q->out->choice(stdout, list);
	json_decref(list);
	fflush(stdout);
	fprintf(stderr, "sluice: %u daemons run here; choose one: sluice %s --control PATH\n", n,
		q->verb);
	return EXIT_FAILED;
}

static int ask_the_one(const struct question *q)
{
	static struct cli_daemon daemons[CLI_FIND_MAX];
	unsigned n = cli_find_daemons(daemons, CLI_FIND_MAX);
	char text[512];
	struct str s = STR_IN(text);

	if (n == 1)
		return ask(daemons[0].path, q);
	if (n)
		return offer_choice(daemons, n, q);
	str_add(&s, "no daemon of this user runs here (looked into ");
	cli_find_folders(&s);
	str_add(&s, "); --control PATH asks another");
	return complain(EXIT_FAILED, text);
}

static bool is_param(const char *name)
{
	const struct ctl_verb_row *row;

	for (unsigned i = 0; (row = ctl_verbs_at(i)); i++)
		if (ctl_verbs_takes(row, name))
			return true;
	return false;
}

/* What is a param of some verb goes to the daemon; this verb must take it. */
static int take_params(const char *const *values, struct question *q)
{
	const struct ctl_verb_row *row = ctl_verbs_at(ctl_verbs_find(q->verb));

	for (unsigned i = 0; i < OPTION_COUNT; i++) {
		const char *name = option_rows[i].name, *value = values[i];

		if (!value || !is_param(name))
			continue;
		if (!ctl_verbs_takes(row, name)) {
			fprintf(stderr, "sluice: %s takes no --%s\n", q->verb, name);
			return EXIT_WORDS;
		}
		if (json_object_set_new(q->params, name, json_string(value)))
			return complain(EXIT_WORDS, "an option's value is not UTF-8");
	}
	return 0;
}

static int run_verb(const char *verb, int argc, char **argv)
{
	const char *values[OPTION_COUNT] = { NULL };
	struct question q = { .verb = verb, .params = json_object(), .out = &cli_out_text };
	int code = take_options(argc, argv, values);

	if (!code && values[OPTION_HELP]) {
		json_decref(q.params);
		return help();
	}
	if (!code)
		code = take_params(values, &q);
	if (values[OPTION_JSON])
		q.out = &cli_out_json;
	if (!code)
		code = values[OPTION_CONTROL] ? ask(values[OPTION_CONTROL], &q) : ask_the_one(&q);
	json_decref(q.params);
	return code;
}

int main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";

	if (argc < 2) {
		help();
		return EXIT_WORDS;
	}
	if (!strcmp(word, "serve"))
		return serve(argc, argv);
	if (!strcmp(word, "help") || !strcmp(word, "--help"))
		return help();
	if (!strcmp(word, "--options"))
		return print_rows();
	if (!strcmp(word, "--version"))
		return printf("sluice %s\n", PACKAGE_VERSION) < 0;
	if (ctl_verbs_find(word) == CTL_VERB_COUNT)
		return unknown_word(word);
	return run_verb(word, argc - 2, argv + 2);
}
