/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_table.h - a list of JSON objects as an aligned table: first as cells, then
 * as lines.  Text stands left, numbers right.
 */
#ifndef GATEWAY_CLI_CLI_TABLE_H
#define GATEWAY_CLI_CLI_TABLE_H

#include <jansson.h>
#include <stdio.h>

/* Columns: one per key, and for '*' (last) every number field of the records
 * that `named` does not hold.  Nothing is printed for an empty list. */
void cli_table_print(FILE *to, const char *title, const char *keys, const char *named,
		     const json_t *list);
/* Every number field of the records that `named` does not hold, summed over all
 * of them: a line each. */
void cli_table_print_sums(FILE *to, const char *title, const char *named, const json_t *list);

#endif
