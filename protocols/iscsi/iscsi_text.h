/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_text.h - key=value text (RFC 7143 6.1): reading it, building it, and the
 * forms of its values.
 *
 * Everything is counted, nothing is a C string of the peer: a slice is a place
 * and a length inside what was received.  A pair may span PDUs, so text is first
 * joined (iscsi_text_join) and read when the C bit is 0.  The builder writes into
 * a buffer of its caller and knows its budget: a pair stands there whole or not
 * at all.  Above: iscsi_keys, iscsi_login, discovery.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_TEXT_H
#define PROTOCOLS_ISCSI_ISCSI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/iscsi/iscsi.h"

#define ISCSI_TEXT_KEY_MAX 63u /* 6.1, standard-label */
#define ISCSI_TEXT_VALUE_MAX 255u /* 6.1, of a simple-value */
#define ISCSI_TEXT_MAX_BYTES 8192u /* 6.1: what everybody must take; our bound */
#define ISCSI_TEXT_PAIRS_MAX 128u /* of one negotiation; there are 30 keys */

/* How a negotiation fails: rows of iscsi_neg_faults.tbl. */
enum iscsi_neg_fault {
	ISCSI_NEG_NONE = 0,
#define NEG_FAULT(NAME, status, words, clause) ISCSI_NEG_##NAME,
#include "protocols/iscsi/iscsi_neg_faults.tbl"
#undef NEG_FAULT
	ISCSI_NEG_COUNT
};

struct iscsi_neg_fault_row {
	enum iscsi_login_status status;
	const char *words, *clause;
};

/* Null for ISCSI_NEG_NONE and for what is no fault. */
const struct iscsi_neg_fault_row *iscsi_text_fault(enum iscsi_neg_fault fault);

/* ---- slices --------------------------------------------------------------- */

struct iscsi_slice {
	const uint8_t *at;
	uint32_t len;
};

bool iscsi_text_is(struct iscsi_slice slice, const char *word);
/* The next item of a list of values, taken off *list; false: there is none left.
 * An empty list has one empty item, as the comma separates. */
bool iscsi_text_item(struct iscsi_slice *list, struct iscsi_slice *item);

/* ---- joining the PDUs of one text (C bit) --------------------------------- */

struct iscsi_text_join {
	uint8_t *at; /* the caller's */
	uint32_t room, len;
};

void iscsi_text_join_begin(struct iscsi_text_join *join, uint8_t *at, uint32_t room);
/* Appends a copy; len may be 0.  LONG_TEXT (nothing was appended) or NONE. */
enum iscsi_neg_fault iscsi_text_join_add(struct iscsi_text_join *join, const uint8_t *from,
					 uint32_t len);

/* ---- reading -------------------------------------------------------------- */

struct iscsi_text {
	struct iscsi_slice left;
	uint32_t pairs; /* that were read */
};

/* key: a standard-label of 1..63 bytes, or one of the two keys that are none
 * (X#NodeArchitecture, iSCSIProtocolLevel).  value: anything but a zero byte. */
struct iscsi_text_pair {
	struct iscsi_slice key, value;
};

void iscsi_text_begin(struct iscsi_text *text, const uint8_t *at, uint32_t len);
/* True: *pair holds the next pair.  False: the end (*fault is NONE) or a fault. */
bool iscsi_text_next(struct iscsi_text *text, struct iscsi_text_pair *pair,
		     enum iscsi_neg_fault *fault);

/* ---- building ------------------------------------------------------------- */

struct iscsi_text_out {
	uint8_t *at; /* the caller's */
	uint32_t room, len;
};

void iscsi_text_out_begin(struct iscsi_text_out *out, uint8_t *at, uint32_t room);
/* Each appends key=value and the zero byte; false: no room, and nothing changed. */
bool iscsi_text_put(struct iscsi_text_out *out, const char *key, const char *value);
bool iscsi_text_put_slices(struct iscsi_text_out *out, struct iscsi_slice key,
			   struct iscsi_slice value);
bool iscsi_text_put_number(struct iscsi_text_out *out, const char *key, uint64_t value);
bool iscsi_text_put_bool(struct iscsi_text_out *out, const char *key, bool value);
/* As 0x and hexadecimal digits, two a byte. */
bool iscsi_text_put_binary(struct iscsi_text_out *out, const char *key, const uint8_t *bytes,
			   uint32_t len);

/* ---- forms of values (6.1); outputs stay untouched at false ---------------- */

/* numerical-value: decimal without a leading zero, or 0x; below 2^64. */
bool iscsi_text_number(struct iscsi_slice value, uint64_t *number);
/* numerical-range: two numbers and a tilde, the left one not above the right one. */
bool iscsi_text_range(struct iscsi_slice value, uint64_t *low, uint64_t *high);
/* boolean-value */
bool iscsi_text_bool(struct iscsi_slice value, bool *yes);
/* The implicit byte length of a hex-constant or base64-constant, from its length
 * alone and before anything is decoded; false: it is neither. */
bool iscsi_text_binary_bytes(struct iscsi_slice value, uint32_t *bytes);
/* A hex-constant or base64-constant of at most `room` bytes; an odd number of
 * hexadecimal digits has a zero before the first. */
bool iscsi_text_binary(struct iscsi_slice value, uint8_t *to, uint32_t room, uint32_t *bytes);
/* An iSCSI name (4.2.7): at most 223 bytes of UTF-8, of type iqn., eui. or naa.; of
 * ASCII only what the stringprep template of RFC 3722 lets through, and capitals
 * (which it folds) and the underscore (which it forbids and people use). */
bool iscsi_text_is_name(struct iscsi_slice value);

#endif
