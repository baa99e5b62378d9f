/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_text.c - key=value text: reading, building, the forms of values.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_text.h"

#include <string.h>

static const struct iscsi_neg_fault_row faults[ISCSI_NEG_COUNT] = {
#define NEG_FAULT(NAME, status, words, clause) \
	[ISCSI_NEG_##NAME] = { ISCSI_LOGIN_##status, words, clause },
#include "protocols/iscsi/iscsi_neg_faults.tbl"
#undef NEG_FAULT
};

const struct iscsi_neg_fault_row *iscsi_text_fault(enum iscsi_neg_fault fault)
{
	return (unsigned)fault < ISCSI_NEG_COUNT && faults[fault].words ? &faults[fault] : NULL;
}

/* ---- characters; no locale ------------------------------------------------ */

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int hex_digit(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static int base64_digit(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (is_digit(c))
		return c - '0' + 52;
	if (c == '+')
		return 62;
	return c == '/' ? 63 : -1;
}

/* ---- slices ---------------------------------------------------------------- */

bool iscsi_text_is(struct iscsi_slice slice, const char *word)
{
	size_t len = strlen(word);

	return slice.len == len && !memcmp(slice.at, word, len);
}

/* The first `n` bytes leave the slice. */
static struct iscsi_slice take(struct iscsi_slice *from, uint32_t n)
{
	struct iscsi_slice taken = { from->at, n };

	*from = (struct iscsi_slice){ from->at + n, from->len - n };
	return taken;
}

bool iscsi_text_item(struct iscsi_slice *list, struct iscsi_slice *item)
{
	const uint8_t *comma;

	if (!list->at)
		return false;
	comma = list->len ? memchr(list->at, ',', list->len) : NULL;
	if (comma) {
		*item = take(list, (uint32_t)(comma - list->at));
		take(list, 1);
	} else {
		*item = *list;
		*list = (struct iscsi_slice){ NULL, 0 };
	}
	return true;
}

/* ---- joining --------------------------------------------------------------- */

void iscsi_text_join_begin(struct iscsi_text_join *join, uint8_t *at, uint32_t room)
{
	*join = (struct iscsi_text_join){ at, room, 0 };
}

enum iscsi_neg_fault iscsi_text_join_add(struct iscsi_text_join *join, const uint8_t *from,
					 uint32_t len)
{
	if (len > join->room - join->len)
		return ISCSI_NEG_LONG_TEXT;
	if (len)
		memcpy(join->at + join->len, from, len);
	join->len += len;
	return ISCSI_NEG_NONE;
}

/* ---- reading --------------------------------------------------------------- */

void iscsi_text_begin(struct iscsi_text *text, const uint8_t *at, uint32_t len)
{
	*text = (struct iscsi_text){ { at, len }, 0 };
}

/* A standard-label begins with a capital (6.1), but for iSCSIProtocolLevel, and
 * has no # in it, but for X#NodeArchitecture. */
static enum iscsi_neg_fault check_key(struct iscsi_slice key)
{
	if (!key.len)
		return ISCSI_NEG_EMPTY_KEY;
	if (key.len > ISCSI_TEXT_KEY_MAX)
		return ISCSI_NEG_LONG_KEY;
	if (!is_letter(key.at[0]))
		return ISCSI_NEG_BAD_KEY;
	for (uint32_t i = 0; i < key.len; i++)
		if (!is_letter(key.at[i]) && !is_digit(key.at[i]) &&
		    !memchr(".-+@_#", key.at[i], 6))
			return ISCSI_NEG_BAD_KEY;
	return ISCSI_NEG_NONE;
}

bool iscsi_text_next(struct iscsi_text *text, struct iscsi_text_pair *pair,
		     enum iscsi_neg_fault *fault)
{
	struct iscsi_slice left = text->left;
	const uint8_t *nul, *equals;
	struct iscsi_text_pair got;

	*fault = ISCSI_NEG_NONE;
	if (!left.len)
		return false;
	nul = memchr(left.at, 0, left.len);
	if (!nul) {
		*fault = ISCSI_NEG_NO_NUL;
		return false;
	}
	got.value = take(&left, (uint32_t)(nul - left.at));
	take(&left, 1);
	equals = got.value.len ? memchr(got.value.at, '=', got.value.len) : NULL;
	if (!equals) {
		*fault = ISCSI_NEG_NO_EQUALS;
		return false;
	}
	got.key = take(&got.value, (uint32_t)(equals - got.value.at));
	take(&got.value, 1);
	*fault = check_key(got.key);
	if (*fault != ISCSI_NEG_NONE)
		return false;
	text->left = left;
	text->pairs++;
	*pair = got;
	return true;
}

/* ---- building -------------------------------------------------------------- */

void iscsi_text_out_begin(struct iscsi_text_out *out, uint8_t *at, uint32_t room)
{
	*out = (struct iscsi_text_out){ at, room, 0 };
}

static struct iscsi_slice slice_of(const char *word)
{
	return (struct iscsi_slice){ (const uint8_t *)word, (uint32_t)strlen(word) };
}

bool iscsi_text_put_slices(struct iscsi_text_out *out, struct iscsi_slice key,
			   struct iscsi_slice value)
{
	uint64_t all = (uint64_t)key.len + value.len + 2;
	uint8_t *to = out->at + out->len;

	if (all > out->room - out->len)
		return false;
	memcpy(to, key.at, key.len);
	to[key.len] = '=';
	if (value.len)
		memcpy(to + key.len + 1, value.at, value.len);
	to[all - 1] = 0;
	out->len += (uint32_t)all;
	return true;
}

bool iscsi_text_put(struct iscsi_text_out *out, const char *key, const char *value)
{
	return iscsi_text_put_slices(out, slice_of(key), slice_of(value));
}

bool iscsi_text_put_number(struct iscsi_text_out *out, const char *key, uint64_t value)
{
	uint8_t digits[20]; /* of 2^64 - 1 */
	uint32_t at = sizeof(digits);

	do {
		digits[--at] = (uint8_t)('0' + value % 10);
		value /= 10;
	} while (value);
	return iscsi_text_put_slices(out, slice_of(key),
				     (struct iscsi_slice){ digits + at, sizeof(digits) - at });
}

bool iscsi_text_put_bool(struct iscsi_text_out *out, const char *key, bool value)
{
	return iscsi_text_put(out, key, value ? "Yes" : "No");
}

bool iscsi_text_put_binary(struct iscsi_text_out *out, const char *key, const uint8_t *bytes,
			   uint32_t len)
{
	static const char hex[] = "0123456789abcdef";
	uint64_t all = strlen(key) + 4 + (uint64_t)len * 2;
	uint32_t before = out->len;
	uint8_t *to;

	if (all > out->room - out->len || !iscsi_text_put(out, key, "0x"))
		return false;
	to = out->at + out->len - 1;
	for (uint32_t i = 0; i < len; i++) {
		*to++ = (uint8_t)hex[bytes[i] >> 4];
		*to++ = (uint8_t)hex[bytes[i] & 15];
	}
	*to = 0;
	out->len = before + (uint32_t)all;
	return true;
}

/* ---- forms of values ------------------------------------------------------- */

/* 0x or 0X, or the same with b; the digits are what follows. */
static bool has_prefix(struct iscsi_slice *value, char letter)
{
	if (value->len < 3 || value->at[0] != '0' || (value->at[1] | 0x20) != letter)
		return false;
	take(value, 2);
	return true;
}

bool iscsi_text_number(struct iscsi_slice value, uint64_t *number)
{
	bool hex = has_prefix(&value, 'x');
	unsigned base = hex ? 16 : 10;
	uint64_t n = 0;

	if (!value.len || (!hex && value.len > 1 && value.at[0] == '0'))
		return false;
	for (uint32_t i = 0; i < value.len; i++) {
		int digit = hex_digit(value.at[i]);

		if (digit < 0 || digit >= (int)base || __builtin_mul_overflow(n, base, &n) ||
		    __builtin_add_overflow(n, (unsigned)digit, &n))
			return false;
	}
	*number = n;
	return true;
}

bool iscsi_text_range(struct iscsi_slice value, uint64_t *low, uint64_t *high)
{
	const uint8_t *tilde = value.len ? memchr(value.at, '~', value.len) : NULL;
	struct iscsi_slice left;
	uint64_t l, h;

	if (!tilde)
		return false;
	left = take(&value, (uint32_t)(tilde - value.at));
	take(&value, 1);
	if (!iscsi_text_number(left, &l) || !iscsi_text_number(value, &h) || l > h)
		return false;
	*low = l;
	*high = h;
	return true;
}

bool iscsi_text_bool(struct iscsi_slice value, bool *yes)
{
	bool is_yes = iscsi_text_is(value, "Yes");

	if (!is_yes && !iscsi_text_is(value, "No"))
		return false;
	*yes = is_yes;
	return true;
}

/* How many = end a base64-constant: 0..2. */
static uint32_t base64_padding(struct iscsi_slice digits)
{
	uint32_t n = 0;

	while (n < 2 && n < digits.len && digits.at[digits.len - 1 - n] == '=')
		n++;
	return n;
}

bool iscsi_text_binary_bytes(struct iscsi_slice value, uint32_t *bytes)
{
	if (has_prefix(&value, 'x')) {
		*bytes = value.len / 2 + value.len % 2;
		return true;
	}
	/* RFC 4648 4: groups of four, the last one filled up. */
	if (!has_prefix(&value, 'b') || value.len % 4)
		return false;
	*bytes = value.len / 4 * 3 - base64_padding(value);
	return true;
}

static bool decode_hex(struct iscsi_slice digits, uint8_t *to)
{
	uint32_t nibble = digits.len % 2; /* an odd number lacks the first one */

	for (uint32_t i = 0; i < digits.len; i++)
		if (hex_digit(digits.at[i]) < 0)
			return false;
	if (nibble)
		to[0] = 0;
	for (uint32_t i = 0; i < digits.len; i++, nibble++) {
		uint8_t digit = (uint8_t)hex_digit(digits.at[i]);

		to[nibble / 2] = (uint8_t)(nibble % 2 ? to[nibble / 2] | digit : digit << 4);
	}
	return true;
}

static bool decode_base64(struct iscsi_slice digits, uint8_t *to)
{
	uint32_t bits = 0, held = 0;

	digits.len -= base64_padding(digits);
	for (uint32_t i = 0; i < digits.len; i++)
		if (base64_digit(digits.at[i]) < 0)
			return false;
	for (uint32_t i = 0; i < digits.len; i++) {
		bits = bits << 6 | (uint32_t)base64_digit(digits.at[i]);
		held += 6;
		if (held >= 8) {
			held -= 8;
			*to++ = (uint8_t)(bits >> held);
		}
	}
	return true;
}

bool iscsi_text_binary(struct iscsi_slice value, uint8_t *to, uint32_t room, uint32_t *bytes)
{
	struct iscsi_slice digits = value;
	uint32_t len;

	if (!iscsi_text_binary_bytes(value, &len) || len > room)
		return false;
	if (!(has_prefix(&digits, 'x') ? decode_hex(digits, to)
				       : has_prefix(&digits, 'b') && decode_base64(digits, to)))
		return false;
	*bytes = len;
	return true;
}

/* ---- names ----------------------------------------------------------------- */

/* The length of a well-formed UTF-8 sequence of more than one byte; 0: it is none. */
static uint32_t utf8_length(const uint8_t *at, uint32_t left)
{
	uint32_t n = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;

	if (at[0] < 0xc2 || at[0] > 0xf4 || n > left)
		return 0;
	for (uint32_t i = 1; i < n; i++)
		if ((at[i] & 0xc0) != 0x80)
			return 0;
	if ((at[0] == 0xe0 && at[1] < 0xa0) || (at[0] == 0xed && at[1] > 0x9f) ||
	    (at[0] == 0xf0 && at[1] < 0x90) || (at[0] == 0xf4 && at[1] > 0x8f))
		return 0; /* longer than need be, a surrogate, or beyond the last */
	return n;
}

static bool all_hex(struct iscsi_slice digits)
{
	for (uint32_t i = 0; i < digits.len; i++)
		if (hex_digit(digits.at[i]) < 0)
			return false;
	return true;
}

static bool starts(struct iscsi_slice value, const char *word)
{
	uint32_t n = (uint32_t)strlen(word);

	if (value.len <= n)
		return false;
	for (uint32_t i = 0; i < n; i++)
		if ((is_letter(value.at[i]) ? value.at[i] | 0x20 : value.at[i]) != word[i])
			return false;
	return true;
}

bool iscsi_text_is_name(struct iscsi_slice value)
{
	struct iscsi_slice rest = value;

	if (value.len > ISCSI_NAME_MAX)
		return false;
	for (uint32_t i = 0, n; i < value.len; i += n) {
		uint8_t c = value.at[i];

		n = 1;
		if (c >= 0x80)
			n = utf8_length(value.at + i, value.len - i);
		else if (!is_letter(c) && !is_digit(c) && !memchr("-.:_", c, 4))
			n = 0;
		if (!n)
			return false;
	}
	if (starts(value, "iqn."))
		return true;
	if (!starts(value, "eui.") && !starts(value, "naa."))
		return false;
	take(&rest, 4);
	/* 4.2.7.5: 16 digits; 4.2.7.6: 16 or 32 */
	return all_hex(rest) && (rest.len == 16 || (rest.len == 32 && starts(value, "naa.")));
}
