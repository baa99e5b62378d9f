/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_human.c - numbers for people (ctl_human.h).
 */
#include "config.h"

#include "gateway/ctl/ctl_human.h"

void ctl_human_size(struct str *s, uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	uint64_t whole = bytes, rest = 0;
	unsigned unit = 0;

	if (bytes < 1024) {
		str_addf(s, "%llu B", (unsigned long long)bytes);
		return;
	}
	for (; whole >= 1024; unit++) {
		rest = whole % 1024;
		whole /= 1024;
	}
	str_addf(s, "%llu", (unsigned long long)whole);
	if (whole < 10)
		str_addf(s, ".%llu", (unsigned long long)(rest * 10 / 1024));
	str_addf(s, " %ciB", units[unit - 1]);
}

void ctl_human_age(struct str *s, uint64_t seconds)
{
	static const struct {
		uint64_t s;
		const char *word;
	} units[] = { { 2 * 86400, "d" }, { 2 * 3600, "h" }, { 2 * 60, "min" } };

	for (unsigned i = 0; i < 3; i++) {
		if (seconds < units[i].s)
			continue;
		str_addf(s, "%llu %s", (unsigned long long)(seconds / (units[i].s / 2)),
			 units[i].word);
		return;
	}
	str_addf(s, "%llu s", (unsigned long long)seconds);
}
