/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_verbs.h - the rows of ctl_cmds.tbl, for those who obey and those who ask.
 *
 * Pure.  What a verb does stands in ctl_cmds.c.
 */
#ifndef GATEWAY_CTL_CTL_VERBS_H
#define GATEWAY_CTL_CTL_VERBS_H

#include <stdbool.h>

enum ctl_verb {
#define ROW(SYMBOL, name, params, right, help) CTL_VERB_##SYMBOL,
#include "gateway/ctl/ctl_cmds.tbl"
#undef ROW
	CTL_VERB_COUNT
};

enum ctl_right { CTL_READ, CTL_CHANGE };

struct ctl_verb_row {
	const char *name;
	const char *params; /* keys with a blank between */
	enum ctl_right right;
	const char *help;
};

/* Null behind the last. */
const struct ctl_verb_row *ctl_verbs_at(unsigned verb);
/* CTL_VERB_COUNT: unknown. */
enum ctl_verb ctl_verbs_find(const char *name);
bool ctl_verbs_takes(const struct ctl_verb_row *row, const char *param);

#endif
