/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_out_json.c - results as they came, indented, for programs.
 *
 * Adds nothing and leaves nothing out, so that its words are the daemon's.
 */
#include "config.h"

#include "gateway/cli/cli_out.h"

static void dump(FILE *to, const json_t *value)
{
	json_dumpf(value, to, JSON_INDENT(2));
	fputc('\n', to);
}

static void reply(FILE *to, const char *verb, const json_t *result)
{
	(void)verb;
	dump(to, result);
}

static void choice(FILE *to, const json_t *daemons)
{
	dump(to, daemons);
}

const struct cli_out_ops cli_out_json = { reply, choice };
