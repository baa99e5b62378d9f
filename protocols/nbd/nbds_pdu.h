/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_pdu.h - magic numbers and codecs of every NBD message; pure.
 *
 * A getter takes bytes and how many there are, and answers a structure or a
 * refusal; only what stands behind it may trust a length.  A putter writes to
 * memory that the caller has measured with the _BYTES constants, and returns how
 * much it wrote.  Names of messages are those of doc/proto.md (master; extended
 * headers: branch extension-ext-header).  Above: everything in this folder.
 */
#ifndef PROTOCOLS_NBD_NBDS_PDU_H
#define PROTOCOLS_NBD_NBDS_PDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- bounds (field-notes 7.1) -------------------------------------------- */

#define NBDS_NAME_MAX 4096u /* "Conventions": strings MUST be no longer */
#define NBDS_OPTION_MAX_BYTES 65536u /* data of one option */
#define NBDS_TEXT_MAX 200u /* of an error text that we send */

/* ---- sizes on the wire --------------------------------------------------- */

enum nbds_pdu_bytes {
	NBDS_GREETING_BYTES = 18,
	NBDS_CLIENT_FLAGS_BYTES = 4,
	NBDS_OPTION_BYTES = 16,
	NBDS_OPTION_REPLY_BYTES = 20,
	NBDS_EXPORT_NAME_BYTES = 10, /* and 124 zeroes unless told otherwise */
	NBDS_EXPORT_NAME_ZEROES = 124,
	NBDS_REQUEST_BYTES = 28,
	NBDS_REQUEST_EXT_BYTES = 32,
	NBDS_SIMPLE_BYTES = 16,
	NBDS_CHUNK_BYTES = 20,
	NBDS_CHUNK_EXT_BYTES = 32,
	NBDS_CHUNK_MAX_BYTES = NBDS_CHUNK_EXT_BYTES + 12, /* the largest without text */
	NBDS_ERROR_MAX_BYTES = NBDS_CHUNK_EXT_BYTES + 14 + NBDS_TEXT_MAX
};

/* ---- handshake ----------------------------------------------------------- */

enum nbds_handshake_flag { NBDS_FIXED_NEWSTYLE = 1, NBDS_NO_ZEROES = 2 };

/* "Option types": the numbers are those of nbds_opts.tbl. */
struct nbds_option {
	uint32_t option, length;
};

/* "Option reply types" */
enum nbds_rep {
	NBDS_REP_ACK = 1,
	NBDS_REP_SERVER = 2,
	NBDS_REP_INFO = 3,
	NBDS_REP_META_CONTEXT = 4
};
#define NBDS_REP_ERR(n) ((1u << 31) + (n))
enum nbds_rep_err {
	NBDS_ERR_UNSUP = 1,
	NBDS_ERR_POLICY = 2,
	NBDS_ERR_INVALID = 3,
	NBDS_ERR_PLATFORM = 4,
	NBDS_ERR_TLS_REQD = 5,
	NBDS_ERR_UNKNOWN = 6,
	NBDS_ERR_SHUTDOWN = 7,
	NBDS_ERR_BLOCK_SIZE_REQD = 8,
	NBDS_ERR_TOO_BIG = 9,
	NBDS_ERR_EXT_HEADER_REQD = 10
};

/* "NBD_REP_INFO" */
enum nbds_info {
	NBDS_INFO_EXPORT = 0,
	NBDS_INFO_NAME = 1,
	NBDS_INFO_DESCRIPTION = 2,
	NBDS_INFO_BLOCK_SIZE = 3
};

/* Bytes of the peer, inside what was received; not terminated. */
struct nbds_slice {
	const uint8_t *at;
	uint32_t len;
};

/* Data of INFO and GO; wanted: one bit per nbds_info asked for. */
struct nbds_go {
	struct nbds_slice name;
	uint32_t wanted;
};

/* Data of LIST_META_CONTEXT and SET_META_CONTEXT; queries one by one through
 * nbds_pdu_query_get(). */
struct nbds_meta_ask {
	struct nbds_slice name;
	uint32_t queries;
	struct nbds_slice rest; /* the queries, already checked as a whole */
};

size_t nbds_pdu_greeting_put(uint8_t *to);
/* False: a flag that nobody offered ("Client flags": drop the connection). */
bool nbds_pdu_client_flags_get(const uint8_t from[NBDS_CLIENT_FLAGS_BYTES], uint32_t *flags);
/* False: not the magic number. */
bool nbds_pdu_option_get(const uint8_t from[NBDS_OPTION_BYTES], struct nbds_option *option);
size_t nbds_pdu_option_reply_put(uint8_t *to, uint32_t option, uint32_t type, uint32_t length);
size_t nbds_pdu_export_name_put(uint8_t *to, uint64_t size, uint16_t flags, bool zeroes);

/* A name: at most NBDS_NAME_MAX bytes, no NUL. */
bool nbds_pdu_name_ok(const struct nbds_slice *name);
bool nbds_pdu_go_get(const uint8_t *from, uint32_t length, struct nbds_go *go);
bool nbds_pdu_meta_get(const uint8_t *from, uint32_t length, struct nbds_meta_ask *ask);
/* Takes one query off ask->rest; false: there is none left. */
bool nbds_pdu_query_get(struct nbds_meta_ask *ask, struct nbds_slice *query);

/* ---- transmission -------------------------------------------------------- */

struct nbds_request {
	uint16_t flags, type;
	uint64_t cookie, offset, length;
};

static inline uint32_t nbds_pdu_request_bytes(bool extended)
{
	return extended ? NBDS_REQUEST_EXT_BYTES : NBDS_REQUEST_BYTES;
}

/* from: nbds_pdu_request_bytes(extended) bytes.  False: not the magic number. */
bool nbds_pdu_request_get(const uint8_t *from, bool extended, struct nbds_request *request);

/* "Structured reply types" */
enum nbds_chunk_type {
	NBDS_CHUNK_NONE = 0,
	NBDS_CHUNK_OFFSET_DATA = 1,
	NBDS_CHUNK_OFFSET_HOLE = 2,
	NBDS_CHUNK_BLOCK_STATUS = 5,
	NBDS_CHUNK_BLOCK_STATUS_EXT = 6,
	NBDS_CHUNK_ERROR = (1 << 15) + 1,
	NBDS_CHUNK_ERROR_OFFSET = (1 << 15) + 2
};
enum nbds_chunk_flag { NBDS_CHUNK_DONE = 1 };

/* To whom a reply goes, and in which dress. */
struct nbds_addressee {
	uint64_t cookie, offset; /* of the request */
	bool extended;
};

size_t nbds_pdu_simple_put(uint8_t *to, uint64_t cookie, uint32_t error);
/* The header of a chunk; length: of the payload that follows. */
size_t nbds_pdu_chunk_put(uint8_t *to, const struct nbds_addressee *who, bool done, uint16_t type,
			  uint32_t length);
/* With the offset; `bytes` of data must follow. */
size_t nbds_pdu_data_put(uint8_t *to, const struct nbds_addressee *who, bool done, uint64_t offset,
			 uint32_t bytes);
size_t nbds_pdu_hole_put(uint8_t *to, const struct nbds_addressee *who, bool done, uint64_t offset,
			 uint32_t bytes);
/* Done; the words are cut to NBDS_TEXT_MAX.  at null: ERROR, else ERROR_OFFSET. */
size_t nbds_pdu_error_put(uint8_t *to, const struct nbds_addressee *who, uint32_t error,
			  const char *words, const uint64_t *at);

/* Payload of BLOCK_STATUS: the head, then descriptors one by one. */
static inline uint32_t nbds_pdu_status_head_bytes(bool extended)
{
	return extended ? 8 : 4;
}
static inline uint32_t nbds_pdu_status_bytes(bool extended)
{
	return extended ? 16 : 8;
}
void nbds_pdu_status_head_put(uint8_t *to, bool extended, uint32_t id, uint32_t count);
void nbds_pdu_status_put(uint8_t *to, bool extended, uint64_t length, uint32_t state);

/* The payload form of a BLOCK_STATUS request, for a server that knows the one
 * context `id`: false if an id is unknown or twice, or there is none. */
bool nbds_pdu_ids_get(const uint8_t *from, uint64_t length, uint32_t id, uint64_t *effect);
#define NBDS_IDS_MAX_BYTES 12u /* effect length and one id: all that can be valid */

#endif
