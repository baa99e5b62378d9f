/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_verbs.c - look-ups in the table of verbs (ctl_verbs.h).
 */
#include "config.h"

#include "gateway/ctl/ctl_verbs.h"

#include <stddef.h>
#include <string.h>

static const struct ctl_verb_row rows[CTL_VERB_COUNT] = {
#define ROW(SYMBOL, name, params, right, help) { name, params, CTL_##right, help },
#include "gateway/ctl/ctl_cmds.tbl"
#undef ROW
};

const struct ctl_verb_row *ctl_verbs_at(unsigned verb)
{
	return verb < CTL_VERB_COUNT ? &rows[verb] : NULL;
}

enum ctl_verb ctl_verbs_find(const char *name)
{
	for (unsigned i = 0; i < CTL_VERB_COUNT; i++)
		if (!strcmp(rows[i].name, name))
			return (enum ctl_verb)i;
	return CTL_VERB_COUNT;
}

bool ctl_verbs_takes(const struct ctl_verb_row *row, const char *param)
{
	size_t len = strlen(param);

	for (const char *p = row->params; len && *p;) {
		size_t word = strcspn(p, " ");

		if (word == len && !memcmp(p, param, len))
			return true;
		p += word + (p[word] == ' ');
	}
	return false;
}
