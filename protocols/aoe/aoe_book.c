/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_book.c - config string, mask list and reserve list of one target.
 */
#include "config.h"

#include "protocols/aoe/aoe_book.h"

#include <errno.h>

#include "gateway/base/bytes.h"
#include "gateway/base/crc32c.h"
#include "gateway/base/err.h"

/* ---- who may do what ------------------------------------------------------- */

/* Where mac stands among n addresses; n if it does not. */
static unsigned find(const struct aoe_mac *list, unsigned n, const struct aoe_mac *mac)
{
	unsigned i = 0;

	while (i < n && !aoe_mac_same(&list[i], mac))
		i++;
	return i;
}

static bool on_list(const struct aoe_mac *list, unsigned n, const struct aoe_mac *mac)
{
	return find(list, n, mac) < n;
}

bool aoe_book_hears(const struct aoe_book *book, const struct aoe_mac *from)
{
	return !book->mask_count || on_list(book->mask, book->mask_count, from);
}

static bool holds(const struct aoe_book *book, const struct aoe_mac *from)
{
	return !book->reserve_count || on_list(book->reserve, book->reserve_count, from);
}

bool aoe_book_lets(const struct aoe_book *book, const struct aoe_mac *from, uint8_t ata_command)
{
	return ata_command == AOE_ATA_IDENTIFY || holds(book, from);
}

/* ---- the config string (3.2) ------------------------------------------------ */

static bool config_begins(const struct aoe_book *book, const struct aoe_config *asked)
{
	uint16_t n = asked->string_bytes;

	return n <= book->config_bytes && (!n || !memcmp(book->config, asked->string, n));
}

static bool config_equals(const struct aoe_book *book, const struct aoe_config *asked)
{
	return asked->string_bytes == book->config_bytes && config_begins(book, asked);
}

static enum aoe_outcome config_set(const struct aoe_book *book, const struct aoe_config *asked,
				   struct aoe_book *next)
{
	if (config_equals(book, asked))
		return AOE_OUTCOME_SAME;
	*next = *book;
	next->config_bytes = asked->string_bytes;
	memset(next->config, 0, sizeof(next->config));
	if (asked->string_bytes)
		memcpy(next->config, asked->string, asked->string_bytes);
	return AOE_OUTCOME_CHANGED;
}

enum aoe_outcome aoe_book_config(const struct aoe_book *book, const struct aoe_config *asked,
				 struct aoe_book *next, enum aoe_error *error,
				 struct aoe_config_reply *reply)
{
	enum aoe_outcome outcome = AOE_OUTCOME_SAME;
	bool present = false;

	switch (asked->command) {
	case AOE_CONFIG_TEST:
		if (!config_equals(book, asked))
			return AOE_OUTCOME_SILENT;
		break;
	case AOE_CONFIG_TEST_PREFIX:
		if (!config_begins(book, asked))
			return AOE_OUTCOME_SILENT;
		break;
	case AOE_CONFIG_SET:
		present = book->config_bytes && !config_equals(book, asked);
		if (!present)
			outcome = config_set(book, asked, next);
		break;
	case AOE_CONFIG_FORCE:
		outcome = config_set(book, asked, next);
		break;
	default:
		break;
	}
	if (outcome == AOE_OUTCOME_CHANGED)
		book = next;
	*error = present ? AOE_ERROR_CONFIG_PRESENT : AOE_ERROR_NONE;
	*reply = (struct aoe_config_reply){ asked->command, book->config, book->config_bytes };
	return outcome;
}

/* ---- the mask list (3.3) ---------------------------------------------------- */

/* One directive; *changed is set if the list is another one now. */
static enum aoe_mask_error direct(struct aoe_book *book, const struct aoe_directive *one,
				  bool *changed)
{
	unsigned n = book->mask_count, at = find(book->mask, n, &one->mac);

	switch (one->command) {
	case AOE_DIRECTIVE_NONE:
		return AOE_MASK_OK;
	case AOE_DIRECTIVE_ADD:
		if (at < n)
			return AOE_MASK_OK;
		if (n == AOE_MASK_MAX)
			return AOE_MASK_FULL;
		book->mask[n] = one->mac;
		book->mask_count++;
		*changed = true;
		return AOE_MASK_OK;
	case AOE_DIRECTIVE_DELETE:
		if (at == n)
			return AOE_MASK_OK;
		memmove(&book->mask[at], &book->mask[at + 1], (n - at - 1) * sizeof(book->mask[0]));
		memset(&book->mask[n - 1], 0, sizeof(book->mask[0]));
		book->mask_count--;
		*changed = true;
		return AOE_MASK_OK;
	default:
		return AOE_MASK_BAD_DIRECTIVE;
	}
}

enum aoe_outcome aoe_book_mask(const struct aoe_book *book, const struct aoe_mask *asked,
			       struct aoe_book *next, enum aoe_error *error,
			       struct aoe_mask_reply *reply)
{
	struct aoe_book edited = *book;
	enum aoe_mask_error why = AOE_MASK_OK;
	bool changed = false;
	unsigned done;

	for (done = 0; done < asked->count; done++) {
		struct aoe_directive one = aoe_pdu_directive_get(asked, done);

		why = direct(&edited, &one, &changed);
		if (why)
			break;
	}
	*error = AOE_ERROR_NONE;
	*reply = (struct aoe_mask_reply){ .command = asked->command,
					  .error = (uint8_t)why,
					  .done = (uint8_t)done };
	changed = changed && !why;
	if (changed) {
		*next = edited;
		book = next;
	}
	reply->list = book->mask;
	reply->list_count = book->mask_count;
	return changed ? AOE_OUTCOME_CHANGED : AOE_OUTCOME_SAME;
}

/* ---- the reserve list (3.4) ------------------------------------------------- */

static enum aoe_outcome reserve_set(const struct aoe_book *book, const struct aoe_reserve *asked,
				    struct aoe_book *next)
{
	size_t bytes = (size_t)asked->count * AOE_MAC_BYTES;

	if (asked->count == book->reserve_count &&
	    (!bytes || !memcmp(book->reserve, asked->list, bytes)))
		return AOE_OUTCOME_SAME;
	*next = *book;
	next->reserve_count = asked->count;
	memset(next->reserve, 0, sizeof(next->reserve));
	if (bytes)
		memcpy(next->reserve, asked->list, bytes);
	return AOE_OUTCOME_CHANGED;
}

enum aoe_outcome aoe_book_reserve(const struct aoe_book *book, const struct aoe_mac *from,
				  const struct aoe_reserve *asked, struct aoe_book *next,
				  enum aoe_error *error, struct aoe_reserve_reply *reply)
{
	enum aoe_outcome outcome = AOE_OUTCOME_SAME;
	bool refused = asked->command == AOE_RESERVE_SET && !holds(book, from);

	if (asked->command != AOE_RESERVE_READ && !refused)
		outcome = reserve_set(book, asked, next);
	if (outcome == AOE_OUTCOME_CHANGED)
		book = next;
	*error = refused ? AOE_ERROR_RESERVED : AOE_ERROR_NONE;
	*reply = (struct aoe_reserve_reply){ asked->command, book->reserve, book->reserve_count };
	return outcome;
}

/* ---- the record --------------------------------------------------------------
 *
 *	0  magic "AoE book"     8  version (16)     10  bytes of the string (16)
 *	12 masks (8)            13 reserves (8)     14  zero (16)
 *	16 string, masks, reserves; then the CRC32C of all that was before
 *
 * Numbers have their high byte first.  Magic, version and the checksum at the end
 * will stay where they are in every version.
 */

#define RECORD_VERSION 1u
#define RECORD_HEAD 16u
#define RECORD_CRC 4u

static const uint8_t magic[8] = { 'A', 'o', 'E', ' ', 'b', 'o', 'o', 'k' };

static uint8_t *append(uint8_t *to, const void *from, size_t bytes)
{
	if (bytes)
		memcpy(to, from, bytes);
	return to + bytes;
}

size_t aoe_book_save(const struct aoe_book *book, uint8_t to[AOE_BOOK_RECORD_MAX])
{
	uint8_t *at = to + RECORD_HEAD;

	memcpy(to, magic, sizeof(magic));
	be16_put(to + 8, RECORD_VERSION);
	be16_put(to + 10, book->config_bytes);
	to[12] = book->mask_count;
	to[13] = book->reserve_count;
	be16_put(to + 14, 0);
	at = append(at, book->config, book->config_bytes);
	at = append(at, book->mask, book->mask_count * sizeof(book->mask[0]));
	at = append(at, book->reserve, book->reserve_count * sizeof(book->reserve[0]));
	be32_put(at, crc32c(0, to, (size_t)(at - to)));
	return (size_t)(at - to) + RECORD_CRC;
}

static int damaged(struct gw_err *err, const char *how)
{
	return gw_err_set(err, EBADMSG, "the record of AoE is damaged: %s", how);
}

/* What can be said before the version is known. */
static int look(const uint8_t *from, size_t bytes, struct gw_err *err)
{
	unsigned version;

	if (bytes < RECORD_HEAD + RECORD_CRC)
		return damaged(err, "it is too short");
	if (memcmp(from, magic, sizeof(magic)))
		return damaged(err, "it does not begin like one");
	if (be32_get(from + bytes - RECORD_CRC) != crc32c(0, from, bytes - RECORD_CRC))
		return damaged(err, "its checksum does not fit");
	version = be16_get(from + 8);
	if (version != RECORD_VERSION)
		return gw_err_set(err, ENOTSUP, "the record of AoE is of version %u, not %u",
				  version, RECORD_VERSION);
	return 0;
}

int aoe_book_load(const void *record, size_t bytes, struct aoe_book *book, struct gw_err *err)
{
	const uint8_t *from = record, *at = from + RECORD_HEAD;
	struct aoe_book got = { 0 };
	size_t mask_bytes, reserve_bytes;
	int rc = look(from, bytes, err);

	if (rc)
		return rc;
	got.config_bytes = be16_get(from + 10);
	got.mask_count = from[12];
	got.reserve_count = from[13];
	mask_bytes = got.mask_count * sizeof(got.mask[0]);
	reserve_bytes = got.reserve_count * sizeof(got.reserve[0]);
	if (got.config_bytes > AOE_CONFIG_MAX || got.mask_count > AOE_MASK_MAX ||
	    got.reserve_count > AOE_RESERVE_MAX || be16_get(from + 14))
		return damaged(err, "it counts more than it can hold");
	if (bytes != RECORD_HEAD + got.config_bytes + mask_bytes + reserve_bytes + RECORD_CRC)
		return damaged(err, "its length is not what it counts");
	memcpy(got.config, at, got.config_bytes);
	memcpy(got.mask, at + got.config_bytes, mask_bytes);
	memcpy(got.reserve, at + got.config_bytes + mask_bytes, reserve_bytes);
	*book = got;
	return 0;
}
