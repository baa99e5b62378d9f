/* SPDX-License-Identifier: BSD-3-Clause
 *
 * image.c - words to images.  Promises in image.h.
 *
 * A word with '=' begins with a name if nothing before the '=' is a '/': a file
 * whose own name holds one is written with its folder, "./a=b.img".
 */
#include "config.h"

#include "gateway/daemon/image.h"

#include <errno.h>
#include <string.h>

#include "gateway/base/str.h"
#include "gateway/base/table.h"

/* Stores whose target is a size. */
static const struct {
	const char *prefix, *store;
} sized[] = { { "memory:", "memory" }, { "null:", "null" } };

static bool is_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* NAME=: returns what is behind it, the word itself where there is none, or
 * null with a sentence. */
static const char *take_name(const char *word, struct image *out, struct gw_err *err)
{
	const char *equals = strchr(word, '=');
	size_t len;

	if (!equals || memchr(word, '/', (size_t)(equals - word)))
		return word;
	len = (size_t)(equals - word);
	if (!len || len >= sizeof(out->name)) {
		gw_err_set(err, EINVAL, "%s: a name has 1 to %zu characters", word,
			   sizeof(out->name) - 1);
		return NULL;
	}
	for (size_t i = 0; i < len; i++) {
		if (is_name_char(word[i]))
			continue;
		gw_err_set(err, EINVAL,
			   "%s: a name is of a-z, 0-9, '.' and '-' (a file with '=' in its own "
			   "name is written ./%s)",
			   word, word);
		return NULL;
	}
	memcpy(out->name, word, len);
	out->name[len] = '\0';
	return equals + 1;
}

/* The base name without its extension, lower case; one '-' for each character
 * that a name cannot have, however many bytes it takes. */
static int name_of_path(const char *path, struct image *out, struct gw_err *err)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	const char *dot = strrchr(base, '.');
	const char *end = dot && dot != base ? dot : base + strlen(base);
	struct str s = STR_IN(out->name);

	for (const char *p = base; p < end; p++) {
		if (((unsigned char)*p & 0xc0) == 0x80)
			continue; /* inside a character of UTF-8 */
		str_add_char(&s, is_name_char(lower(*p)) ? lower(*p) : '-');
	}
	if (!s.len)
		return gw_err_set(err, EINVAL, "%s: this is no file's path", path);
	if (s.cut)
		return gw_err_set(err, EINVAL,
				  "%s: its name is too long for an export; write NAME=IMAGE", path);
	return 0;
}

static int parse_sized(const char *word, const char *size, const char *store, struct image *out,
		       struct gw_err *err)
{
	uint64_t bytes;

	if (str_parse_size(size, &bytes) || !bytes)
		return gw_err_set(err, EINVAL, "%s: '%s' is not a size (like 512M, 1G, 2T)", word,
				  size);
	if (!out->name[0])
		str_copy(out->name, sizeof(out->name), store);
	out->store = store;
	out->target = size;
	return 0;
}

int image_parse(const char *word, bool (*is_block)(const char *path), struct image *out,
		struct gw_err *err)
{
	struct image mine = { 0 };
	const char *rest = take_name(word, &mine, err);
	int rc = 0;

	if (!rest)
		return -EINVAL;
	if (!*rest)
		return gw_err_set(err, EINVAL, "'%s' names no image", word);
	for (unsigned i = 0; i < TABLE_LEN(sized) && !rc && !mine.store; i++)
		if (str_starts(rest, sized[i].prefix))
			rc = parse_sized(word, rest + strlen(sized[i].prefix), sized[i].store,
					 &mine, err);
	if (!rc && !mine.store) {
		mine.store = is_block(rest) ? "block" : "file";
		mine.target = rest;
		mine.is_path = true;
		if (!mine.name[0])
			rc = name_of_path(rest, &mine, err);
	}
	if (!rc)
		*out = mine;
	return rc;
}
