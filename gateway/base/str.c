/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bounded string builder and the parsers of numbers, sizes and durations.
 * Promises in str.h.  Pure: bytes in, bytes or a value out; nothing here
 * knows a locale, allocates or logs.
 */
#include "config.h"

#include "gateway/base/str.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/base/num.h"
#include "gateway/base/table.h"

struct str str_begin(char *buf, size_t size)
{
	if (size)
		buf[0] = '\0';
	return (struct str){ .at = buf, .size = size };
}

void str_add_n(struct str *s, const char *text, size_t n)
{
	size_t room = s->size ? s->size - 1 - s->len : 0;

	if (n > room) {
		n = room;
		s->cut = true;
	}
	if (!s->size)
		return;
	memcpy(s->at + s->len, text, n);
	s->len += n;
	s->at[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
	str_add_n(s, text, strlen(text));
}

void str_add_char(struct str *s, char c)
{
	str_add_n(s, &c, 1);
}

void str_addv(struct str *s, const char *fmt, va_list args)
{
	size_t room = s->size - s->len;
	int n;

	if (!s->size) {
		s->cut = true;
		return;
	}
	n = vsnprintf(s->at + s->len, room, fmt, args);
	if (n < 0 || (size_t)n >= room) {
		s->cut = true;
		s->len = n < 0 ? s->len : s->size - 1;
		s->at[s->len] = '\0';
	} else {
		s->len += (size_t)n;
	}
}

void str_addf(struct str *s, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	str_addv(s, fmt, args);
	va_end(args);
}

void str_add_escaped(struct str *s, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < n; i++) {
		if (p[i] < ' ' || p[i] > '~' || p[i] == '\\')
			str_addf(s, "\\x%02x", p[i]);
		else
			str_add_char(s, (char)p[i]);
	}
}

static const char size_units[] = "KMGTPE"; /* each 1024 times the one before */

void str_add_size(struct str *s, uint64_t bytes)
{
	unsigned unit = 0;

	while (bytes && bytes % 1024 == 0 && size_units[unit]) {
		bytes /= 1024;
		unit++;
	}
	str_addf(s, "%llu", (unsigned long long)bytes);
	if (unit)
		str_add_char(s, size_units[unit - 1]);
}

bool str_copy(char *to, size_t size, const char *from)
{
	struct str s = str_begin(to, size);

	str_add(&s, from);
	return !s.cut;
}

bool str_starts(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* Digits at the front of *TEXT, which moves past them. */
static int take_digits(const char **text, uint64_t *value)
{
	const char *p = *text;
	uint64_t v = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++)
		if (!num_mul(v, 10, &v) || !num_add(v, (uint64_t)(*p - '0'), &v))
			return -ERANGE;
	*text = p;
	*value = v;
	return 0;
}

int str_parse_u64(const char *text, uint64_t *value)
{
	uint64_t v;
	int r = take_digits(&text, &v);

	if (r)
		return r;
	if (*text)
		return -EINVAL;
	*value = v;
	return 0;
}

static char upper(char c)
{
	return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

int str_parse_size(const char *text, uint64_t *bytes)
{
	const char *unit;
	uint64_t v;
	int r = take_digits(&text, &v);

	if (r)
		return r;
	if (*text) {
		unit = strchr(size_units, upper(*text));
		if (!unit || text[1])
			return -EINVAL;
		if (!num_mul(v, 1024ULL << 10 * (unit - size_units), &v))
			return -ERANGE;
	}
	*bytes = v;
	return 0;
}

int str_parse_duration(const char *text, struct span *duration)
{
	static const struct {
		const char *word;
		uint64_t ns;
	} units[] = {
		{ "", 1000000000 },
		{ "s", 1000000000 },
		{ "ms", 1000000 },
		{ "us", 1000 },
		{ "m", 60 * 1000000000ULL },
		{ "h", 3600 * 1000000000ULL },
		{ "d", 86400 * 1000000000ULL },
	};
	uint64_t v;
	int r = take_digits(&text, &v);

	if (r)
		return r;
	for (size_t i = 0; i < TABLE_LEN(units); i++) {
		if (strcmp(text, units[i].word))
			continue;
		if (!num_mul(v, units[i].ns, &v) || v > INT64_MAX)
			return -ERANGE;
		*duration = span_ns((int64_t)v);
		return 0;
	}
	return -EINVAL;
}
