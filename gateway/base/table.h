/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Helpers for the table idiom.  A .tbl file holds one ROW(...) a fact and no
 * code; whoever wants an enum, a list of names or a switch defines ROW as he
 * needs it and includes the file.  This header gives the shapes that come back
 * everywhere: a bounds checked look-up by number, and one by name.
 * It includes nothing of ours, and nothing above it may be named here.
 *
 *	enum colour {
 *	#define ROW(NAME, name, help) COLOUR_##NAME,
 *	#include "some/folder/colours.tbl"
 *	#undef ROW
 *		COLOUR_COUNT
 *	};
 */
#ifndef GATEWAY_BASE_TABLE_H
#define GATEWAY_BASE_TABLE_H

#include <stddef.h>
#include <string.h>

#define TABLE_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* One row as people see it: its word and one line of help. */
struct table_row {
	const char *name;
	const char *help;
};

/* The name of row I, or a question mark for the row after the last. */
static inline const char *table_name(const struct table_row *rows, size_t n, size_t i)
{
	return i < n && rows[i].name ? rows[i].name : "?";
}

/* The number of the row called NAME, or -1. */
static inline int table_find(const struct table_row *rows, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].name && !strcmp(rows[i].name, name))
			return (int)i;
	return -1;
}

#endif
