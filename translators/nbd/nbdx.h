/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbdx.h - the command set of NBD: a command in, a request or a refusal out; an
 * outcome in, an NBD error out.
 *
 * Pure.  It knows the numbers of commands, flags and errors, and no socket, no
 * buffer, no time.  Above: protocols/nbd.  Below: gateway/api.  The text that
 * decides is doc/proto.md of NetworkBlockDevice/nbd (master, and the branch
 * extension-ext-header for extended headers); rows name its headings.
 */
#ifndef TRANSLATORS_NBD_NBDX_H
#define TRANSLATORS_NBD_NBDX_H

#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/status.h"
#include "gateway/api/store.h"
#include "gateway/api/volume.h"

/* "Size constraints": what every server should take, and what we announce. */
#define NBDX_PAYLOAD_MAX_BYTES (32u << 20)

enum nbdx_type {
#define CMD(name, number, op, flags, payload, length, end, writes, needs, clause) \
	NBDX_##name = number,
#include "translators/nbd/nbdx_cmds.tbl"
#undef CMD
	NBDX_TYPE_COUNT
};

/* "Command flags" */
enum nbdx_flag {
	NBDX_FLAG_FUA = 1,
	NBDX_FLAG_NO_HOLE = 2,
	NBDX_FLAG_DF = 4,
	NBDX_FLAG_REQ_ONE = 8,
	NBDX_FLAG_FAST_ZERO = 16,
	NBDX_FLAG_PAYLOAD_LEN = 32
};

/* "Transmission flags" (those below 1 << 16 are on the wire), and what else the
 * handshake may have brought. */
enum nbdx_term {
	NBDX_HAS_FLAGS = 1,
	NBDX_READ_ONLY_EXPORT = 2,
	NBDX_SEND_FLUSH = 4,
	NBDX_SEND_FUA = 8,
	NBDX_ROTATIONAL = 16,
	NBDX_SEND_TRIM = 32,
	NBDX_SEND_WRITE_ZEROES = 64,
	NBDX_SEND_DF = 128,
	NBDX_CAN_MULTI_CONN = 256,
	NBDX_SEND_CACHE = 1024,
	NBDX_SEND_FAST_ZERO = 2048,
	NBDX_STATUS_PAYLOAD = 4096,
	NBDX_HAS_STRUCTURED = 1 << 16, /* structured replies */
	NBDX_HAS_EXTENDED = 1 << 17, /* extended headers */
	NBDX_HAS_CONTEXTS = 1 << 18 /* a metadata context was selected */
};

enum nbdx_refusal {
#define REFUSAL(name, error, words, clause) NBDX_##name,
#include "translators/nbd/nbdx_refusals.tbl"
#undef REFUSAL
	NBDX_REFUSAL_COUNT
};

/* What was agreed with this client, and what the export is now. */
struct nbdx_terms {
	uint64_t size_bytes;
	uint32_t min_block_bytes; /* a power of two */
	uint32_t terms; /* enum nbdx_term */
};

/* "NBD_INFO_BLOCK_SIZE" */
struct nbdx_sizes {
	uint32_t minimum_bytes, preferred_bytes, payload_bytes;
};

/* A command as it came.  length: the effect length, of a write its payload. */
struct nbdx_cmd {
	uint16_t type, flags;
	uint64_t offset, length;
};

/* What to ask of the gateway. */
struct nbdx_plan {
	enum gw_op op;
	uint32_t flags; /* enum gw_io_flag */
	bool nothing; /* length 0: succeeds without a request */
};

/* An error as the wire carries it. */
struct nbdx_error {
	uint32_t number;
	const char *words; /* never null, below 80 bytes */
};

/* What follows a command in the stream, before anything else is looked at. */
enum nbdx_follows {
	NBDX_FOLLOWS_NOTHING,
	NBDX_FOLLOWS_DATA, /* length bytes of data to be written */
	NBDX_FOLLOWS_IDS, /* length bytes: effect length and metadata context ids */
	NBDX_FOLLOWS_JUNK, /* length bytes that nobody asked for: consume, refuse */
	NBDX_FOLLOWS_FLOOD /* more than can be consumed: disconnect */
};

/* From the facts of the volume and what was negotiated (structured, extended,
 * contexts of enum nbdx_term) to what is offered. */
uint32_t nbdx_terms_of(const struct gw_facts *facts, bool read_only, uint32_t negotiated);
struct nbdx_sizes nbdx_sizes_of(const struct gw_facts *facts);

enum nbdx_follows nbdx_follows(const struct nbdx_terms *terms, const struct nbdx_cmd *cmd);
/* NBDX_ACCEPTED and a plan, or why not.  DISC has no plan: ask its type first. */
enum nbdx_refusal nbdx_check(const struct nbdx_terms *terms, const struct nbdx_cmd *cmd,
			     struct nbdx_plan *plan);

struct nbdx_error nbdx_error_of_refusal(enum nbdx_refusal refusal);
/* number 0: it succeeded (a hint that nobody can take, too). */
struct nbdx_error nbdx_error_of_status(enum gw_status status, uint16_t type, uint16_t flags);
/* "base:allocation": from enum gw_extent_flag to NBD_STATE_HOLE, NBD_STATE_ZERO. */
uint32_t nbdx_extent_state(uint32_t extent_flags);

/* "NBD_CMD_READ", or "?". */
const char *nbdx_type_name(uint16_t type);

#endif
