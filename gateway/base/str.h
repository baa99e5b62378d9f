/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bounded string builder over somebody's buffer, and the parsers for what
 * people write: numbers, sizes, durations, names.  The builder never writes
 * past the end, is always terminated, and remembers that something was cut.
 * A parser takes the whole word or refuses it; its output stays untouched
 * when it refuses.  No locale, no allocation.
 */
#ifndef GATEWAY_BASE_STR_H
#define GATEWAY_BASE_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gateway/base/clock.h"

struct str {
	char *at; /* whose memory: the caller's */
	size_t size;
	size_t len; /* without the terminating zero; always < size */
	bool cut; /* something did not fit */
};

/* Begin an empty string in an array of char: STR_IN(array). */
#define STR_IN(array) str_begin((array), sizeof(array))

struct str str_begin(char *buf, size_t size);
void str_add(struct str *s, const char *text);
void str_add_n(struct str *s, const char *text, size_t n);
void str_add_char(struct str *s, char c);
void str_addf(struct str *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void str_addv(struct str *s, const char *fmt, va_list args) __attribute__((format(printf, 2, 0)));
/* What is not printable ASCII, and the backslash, becomes \xNN. */
void str_add_escaped(struct str *s, const void *bytes, size_t n);
/* 4096 is 4K, 1536 is 1536: exact, with the largest unit that divides it. */
void str_add_size(struct str *s, uint64_t bytes);

/* Copy one string to a buffer of SIZE bytes; false if it was cut. */
bool str_copy(char *to, size_t size, const char *from);
bool str_starts(const char *text, const char *prefix);

/* Each returns 0, -EINVAL (not such a thing) or -ERANGE (too large). */
int str_parse_u64(const char *text, uint64_t *value);
/* 512, 4k, 1M, 1G, 1T, 2P, 1E; binary; upper or lower case. */
int str_parse_size(const char *text, uint64_t *bytes);
/* 10 (seconds), 10s, 250ms, 50us, 5m, 1h, 2d. */
int str_parse_duration(const char *text, struct span *duration);

#endif
