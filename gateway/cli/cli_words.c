/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_words.c - the distance of two words (cli_words.h).
 */
#include "config.h"

#include "gateway/cli/cli_words.h"

#include <string.h>

#include "gateway/base/str.h"

#define LONGEST 63
#define FAR 1000u

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

/* Row by row: cost[i][j] makes the first i letters of a into the first j of b. */
unsigned cli_words_distance(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned cost[3][LONGEST + 1];

	if (la > LONGEST || lb > LONGEST)
		return FAR;
	for (unsigned j = 0; j <= lb; j++)
		cost[0][j] = j;
	for (unsigned i = 1; i <= la; i++) {
		unsigned *now = cost[i % 3];
		const unsigned *before = cost[(i + 2) % 3], *older = cost[(i + 1) % 3];

		now[0] = i;
		for (unsigned j = 1; j <= lb; j++) {
			now[j] = least(before[j] + 1, now[j - 1] + 1,
				       before[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    older[j - 2] + 1 < now[j])
				now[j] = older[j - 2] + 1;
		}
	}
	return cost[la % 3][lb];
}

bool cli_words_near(const char *written, const char *known)
{
	size_t len = strlen(known);

	if (*written && (str_starts(known, written) || str_starts(written, known)))
		return true;
	return cli_words_distance(written, known) <= (len > 5 ? 2u : 1u);
}
