/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_pdu.c - codecs of every NBD message.
 */
#include "config.h"

#include "protocols/nbd/nbds_pdu.h"

#include <string.h>

#include "gateway/base/bytes.h"

#define MAGIC_GREETING 0x4e42444d41474943ull /* "NBDMAGIC" */
#define MAGIC_OPTION 0x49484156454f5054ull /* "IHAVEOPT" */
#define MAGIC_OPTION_REPLY 0x0003e889045565a9ull
#define MAGIC_REQUEST 0x25609513u
#define MAGIC_REQUEST_EXT 0x21e41c71u
#define MAGIC_SIMPLE 0x67446698u
#define MAGIC_CHUNK 0x668e33efu
#define MAGIC_CHUNK_EXT 0x6e8a278cu

/* ---- handshake ----------------------------------------------------------- */

/* "Newstyle negotiation" */
size_t nbds_pdu_greeting_put(uint8_t *to)
{
	be64_put(to, MAGIC_GREETING);
	be64_put(to + 8, MAGIC_OPTION);
	be16_put(to + 16, NBDS_FIXED_NEWSTYLE | NBDS_NO_ZEROES);
	return NBDS_GREETING_BYTES;
}

bool nbds_pdu_client_flags_get(const uint8_t from[NBDS_CLIENT_FLAGS_BYTES], uint32_t *flags)
{
	uint32_t got = be32_get(from);

	if (got & ~(uint32_t)(NBDS_FIXED_NEWSTYLE | NBDS_NO_ZEROES))
		return false;
	*flags = got;
	return true;
}

bool nbds_pdu_option_get(const uint8_t from[NBDS_OPTION_BYTES], struct nbds_option *option)
{
	if (be64_get(from) != MAGIC_OPTION)
		return false;
	option->option = be32_get(from + 8);
	option->length = be32_get(from + 12);
	return true;
}

/* "Fixed newstyle negotiation" */
size_t nbds_pdu_option_reply_put(uint8_t *to, uint32_t option, uint32_t type, uint32_t length)
{
	be64_put(to, MAGIC_OPTION_REPLY);
	be32_put(to + 8, option);
	be32_put(to + 12, type);
	be32_put(to + 16, length);
	return NBDS_OPTION_REPLY_BYTES;
}

size_t nbds_pdu_export_name_put(uint8_t *to, uint64_t size, uint16_t flags, bool zeroes)
{
	be64_put(to, size);
	be16_put(to + 8, flags);
	if (!zeroes)
		return NBDS_EXPORT_NAME_BYTES;
	memset(to + NBDS_EXPORT_NAME_BYTES, 0, NBDS_EXPORT_NAME_ZEROES);
	return NBDS_EXPORT_NAME_BYTES + NBDS_EXPORT_NAME_ZEROES;
}

bool nbds_pdu_name_ok(const struct nbds_slice *name)
{
	return name->len <= NBDS_NAME_MAX && !(name->len && memchr(name->at, 0, name->len));
}

/* Takes a number of 32 bits off the front. */
static bool take32(struct nbds_slice *in, uint32_t *value)
{
	if (in->len < 4)
		return false;
	*value = be32_get(in->at);
	in->at += 4;
	in->len -= 4;
	return true;
}

/* Takes a length of 32 bits and as many bytes off the front. */
static bool take_string(struct nbds_slice *in, struct nbds_slice *out)
{
	struct nbds_slice left = *in;
	uint32_t len;

	if (!take32(&left, &len) || len > left.len || len > NBDS_NAME_MAX)
		return false;
	*out = (struct nbds_slice){ left.at, len };
	*in = (struct nbds_slice){ left.at + len, left.len - len };
	return true;
}

/* "NBD_OPT_INFO (6) and NBD_OPT_GO (7)": what is inside fills it exactly. */
bool nbds_pdu_go_get(const uint8_t *from, uint32_t length, struct nbds_go *go)
{
	struct nbds_slice left = { from, length };
	struct nbds_go got = { .wanted = 0 };
	uint32_t n;

	if (!take_string(&left, &got.name) || left.len < 2)
		return false;
	n = be16_get(left.at);
	if (left.len - 2 != n * 2)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		uint16_t info = be16_get(left.at + 2 + i * 2);

		if (info <= NBDS_INFO_BLOCK_SIZE)
			got.wanted |= 1u << info;
	}
	*go = got;
	return true;
}

/* "NBD_OPT_LIST_META_CONTEXT": likewise; every query is looked at here. */
bool nbds_pdu_meta_get(const uint8_t *from, uint32_t length, struct nbds_meta_ask *ask)
{
	struct nbds_slice left = { from, length }, query;
	struct nbds_meta_ask got;

	if (!take_string(&left, &got.name) || !take32(&left, &got.queries))
		return false;
	got.rest = left;
	for (uint32_t i = 0; i < got.queries; i++)
		if (!take_string(&left, &query))
			return false;
	if (left.len)
		return false;
	*ask = got;
	return true;
}

bool nbds_pdu_query_get(struct nbds_meta_ask *ask, struct nbds_slice *query)
{
	return take_string(&ask->rest, query);
}

/* ---- transmission -------------------------------------------------------- */

/* "Request message" */
bool nbds_pdu_request_get(const uint8_t *from, bool extended, struct nbds_request *request)
{
	if (be32_get(from) != (extended ? MAGIC_REQUEST_EXT : MAGIC_REQUEST))
		return false;
	request->flags = be16_get(from + 4);
	request->type = be16_get(from + 6);
	request->cookie = be64_get(from + 8);
	request->offset = be64_get(from + 16);
	request->length = extended ? be64_get(from + 24) : be32_get(from + 24);
	return true;
}

/* "Simple reply message" */
size_t nbds_pdu_simple_put(uint8_t *to, uint64_t cookie, uint32_t error)
{
	be32_put(to, MAGIC_SIMPLE);
	be32_put(to + 4, error);
	be64_put(to + 8, cookie);
	return NBDS_SIMPLE_BYTES;
}

/* "Structured reply chunk message", "Extended reply chunk message" */
size_t nbds_pdu_chunk_put(uint8_t *to, const struct nbds_addressee *who, bool done, uint16_t type,
			  uint32_t length)
{
	be32_put(to, who->extended ? MAGIC_CHUNK_EXT : MAGIC_CHUNK);
	be16_put(to + 4, done ? NBDS_CHUNK_DONE : 0);
	be16_put(to + 6, type);
	be64_put(to + 8, who->cookie);
	if (!who->extended) {
		be32_put(to + 16, length);
		return NBDS_CHUNK_BYTES;
	}
	be64_put(to + 16, who->offset);
	be64_put(to + 24, length);
	return NBDS_CHUNK_EXT_BYTES;
}

/* "NBD_REPLY_TYPE_OFFSET_DATA" */
size_t nbds_pdu_data_put(uint8_t *to, const struct nbds_addressee *who, bool done, uint64_t offset,
			 uint32_t bytes)
{
	size_t at = nbds_pdu_chunk_put(to, who, done, NBDS_CHUNK_OFFSET_DATA, 8 + bytes);

	be64_put(to + at, offset);
	return at + 8;
}

/* "NBD_REPLY_TYPE_OFFSET_HOLE" */
size_t nbds_pdu_hole_put(uint8_t *to, const struct nbds_addressee *who, bool done, uint64_t offset,
			 uint32_t bytes)
{
	size_t at = nbds_pdu_chunk_put(to, who, done, NBDS_CHUNK_OFFSET_HOLE, 12);

	be64_put(to + at, offset);
	be32_put(to + at + 8, bytes);
	return at + 12;
}

/* "NBD_REPLY_TYPE_ERROR", "NBD_REPLY_TYPE_ERROR_OFFSET" */
size_t nbds_pdu_error_put(uint8_t *to, const struct nbds_addressee *who, uint32_t error,
			  const char *words, const uint64_t *at)
{
	uint16_t len = (uint16_t)strnlen(words, NBDS_TEXT_MAX);
	uint16_t type = at ? NBDS_CHUNK_ERROR_OFFSET : NBDS_CHUNK_ERROR;
	size_t head = nbds_pdu_chunk_put(to, who, true, type, 6 + len + (at ? 8 : 0));

	be32_put(to + head, error);
	be16_put(to + head + 4, len);
	memcpy(to + head + 6, words, len);
	if (!at)
		return head + 6 + len;
	be64_put(to + head + 6 + len, *at);
	return head + 6 + len + 8;
}

/* "NBD_REPLY_TYPE_BLOCK_STATUS", "NBD_REPLY_TYPE_BLOCK_STATUS_EXT" */
void nbds_pdu_status_head_put(uint8_t *to, bool extended, uint32_t id, uint32_t count)
{
	be32_put(to, id);
	if (extended)
		be32_put(to + 4, count);
}

void nbds_pdu_status_put(uint8_t *to, bool extended, uint64_t length, uint32_t state)
{
	if (extended) {
		be64_put(to, length);
		be64_put(to + 8, state);
	} else {
		be32_put(to, (uint32_t)length);
		be32_put(to + 4, state);
	}
}

/* "NBD_CMD_BLOCK_STATUS", payload form */
bool nbds_pdu_ids_get(const uint8_t *from, uint64_t length, uint32_t id, uint64_t *effect)
{
	if (length != NBDS_IDS_MAX_BYTES || be32_get(from + 8) != id)
		return false;
	*effect = be64_get(from);
	return true;
}
