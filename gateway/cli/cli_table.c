/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_table.c - tables for people (cli_table.h).
 *
 * Columns are few; a cell is made twice, once for its width and once to print.
 */
#include "config.h"

#include "gateway/cli/cli_table.h"

#include <string.h>

#include "gateway/base/str.h"
#include "gateway/ctl/ctl_msg.h"

#define COLUMNS_MAX 48
#define KEY_MAX 64
#define CELL_MAX 512

struct column {
	char key[KEY_MAX];
	size_t width;
	bool right;
};

struct table {
	struct column columns[COLUMNS_MAX];
	unsigned n;
};

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n > m && !strcmp(text + n - m, end);
}

/* Is the word among those of a list with blanks between? */
static bool is_among(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; (p = strstr(p, word)); p += len)
		if ((p == words || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
	return false;
}

/* Columns on a terminal: bytes that begin a character of UTF-8. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

/* ---- cells -------------------------------------------------------------- */

static void number_cell(struct str *s, const char *key, json_int_t value)
{
	uint64_t n = value < 0 ? 0 : (uint64_t)value;

	if (ends_with(key, "_bytes"))
		ctl_human_size(s, n);
	else if (ends_with(key, "_s"))
		ctl_human_age(s, n);
	else
		str_addf(s, "%lld", (long long)value);
}

/* Control characters in a name must not reach the terminal. */
static void text_cell(struct str *s, const char *text)
{
	for (; *text; text++)
		str_add_char(s, (unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text);
}

static void cell(struct str *s, const char *key, const json_t *value)
{
	if (json_is_integer(value))
		number_cell(s, key, json_integer_value(value));
	else if (json_is_string(value))
		text_cell(s, json_string_value(value));
	else if (json_is_boolean(value))
		str_add(s, json_is_true(value) ? "yes" : "no");
	else
		str_add(s, "-");
}

/* SIZE of size_bytes, READ of read_bytes, AGE of age_s. */
static void head_cell(struct str *s, const char *key)
{
	size_t len = strlen(key);

	if (ends_with(key, "_bytes"))
		len -= strlen("_bytes");
	else if (ends_with(key, "_s"))
		len -= strlen("_s");
	for (size_t i = 0; i < len; i++) {
		char c = key[i];

		str_add_char(s, c == '_' ? '-' : c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c);
	}
}

/* ---- columns ------------------------------------------------------------ */

static void add_column(struct table *table, const char *key, size_t len)
{
	struct column *column = &table->columns[table->n];
	struct str s = STR_IN(column->key);

	if (table->n == COLUMNS_MAX)
		return;
	str_add_n(&s, key, len);
	if (!s.cut)
		table->n++;
}

static void add_others(struct table *table, const char *named, const json_t *list)
{
	const char *key;
	json_t *record, *value;
	size_t i;

	json_array_foreach(list, i, record)
	{
		json_object_foreach(record, key, value)
		{
			unsigned c = 0;

			while (c < table->n && strcmp(table->columns[c].key, key))
				c++;
			if (c == table->n && json_is_integer(value) && !is_among(named, key))
				add_column(table, key, strlen(key));
		}
	}
}

static void add_columns(struct table *table, const char *keys, const char *named,
			const json_t *list)
{
	while (*keys) {
		size_t len = strcspn(keys, " ");

		if (len == 1 && *keys == '*')
			add_others(table, named, list);
		else
			add_column(table, keys, len);
		keys += len + (keys[len] == ' ');
	}
}

static void measure(struct table *table, const json_t *list)
{
	char text[CELL_MAX];
	const json_t *record;
	size_t i;

	for (unsigned c = 0; c < table->n; c++) {
		struct column *column = &table->columns[c];
		struct str head = STR_IN(text);

		head_cell(&head, column->key);
		column->width = width_of(text);
		json_array_foreach(list, i, record)
		{
			const json_t *value = json_object_get(record, column->key);
			struct str s = STR_IN(text);

			cell(&s, column->key, value);
			column->right = column->right || json_is_integer(value);
			if (width_of(text) > column->width)
				column->width = width_of(text);
		}
	}
}

/* ---- lines -------------------------------------------------------------- */

static void print_cell(FILE *to, const struct table *table, unsigned c, const char *text)
{
	const struct column *column = &table->columns[c];
	int fill = (int)(column->width - width_of(text));
	bool last = c + 1 == table->n;

	fprintf(to, "%s%*s%s", c ? "  " : "", column->right ? fill : 0, "", text);
	if (!column->right && !last)
		fprintf(to, "%*s", fill, "");
	if (last)
		fputc('\n', to);
}

void cli_table_print(FILE *to, const char *title, const char *keys, const char *named,
		     const json_t *list)
{
	struct table table = { 0 };
	char text[CELL_MAX];
	const json_t *record;
	size_t i;

	if (!json_array_size(list))
		return;
	add_columns(&table, keys, named, list);
	measure(&table, list);
	fprintf(to, "\n%s\n", title);
	for (unsigned c = 0; c < table.n; c++) {
		struct str s = STR_IN(text);

		head_cell(&s, table.columns[c].key);
		print_cell(to, &table, c, text);
	}
	json_array_foreach(list, i, record)
	{
		for (unsigned c = 0; c < table.n; c++) {
			struct str s = STR_IN(text);

			cell(&s, table.columns[c].key,
			     json_object_get(record, table.columns[c].key));
			print_cell(to, &table, c, text);
		}
	}
}

/* ---- sums --------------------------------------------------------------- */

static json_int_t sum_of(const char *key, const json_t *list)
{
	const json_t *record;
	json_int_t sum = 0;
	size_t i;

	json_array_foreach(list, i, record) sum += json_integer_value(json_object_get(record, key));
	return sum;
}

void cli_table_print_sums(FILE *to, const char *title, const char *named, const json_t *list)
{
	struct table table = { 0 };
	char text[CELL_MAX];
	size_t width = 0;

	add_others(&table, named, list);
	if (!table.n)
		return;
	for (unsigned c = 0; c < table.n; c++)
		if (strlen(table.columns[c].key) > width)
			width = strlen(table.columns[c].key);
	fprintf(to, "\n%s\n", title);
	for (unsigned c = 0; c < table.n; c++) {
		struct str head = STR_IN(text);

		head_cell(&head, table.columns[c].key);
		fprintf(to, "%-*s  ", (int)width, text);
		head = STR_IN(text);
		number_cell(&head, table.columns[c].key, sum_of(table.columns[c].key, list));
		fprintf(to, "%s\n", text);
	}
}
