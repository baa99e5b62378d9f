/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbdx.c - the checks by row, and the two mappers of errors.
 */
#include "config.h"

#include "translators/nbd/nbdx.h"

#include "gateway/base/num.h"
#include "gateway/base/table.h"

enum nbdx_payload { NBDX_PAYLOAD_NONE, NBDX_PAYLOAD_DATA, NBDX_PAYLOAD_IDS };

enum nbdx_length {
	NBDX_LENGTH_ANY, /* an effect length; 0 does nothing */
	NBDX_LENGTH_SOME, /* an effect length; 0 cannot be answered */
	NBDX_LENGTH_IN, /* comes back as payload */
	NBDX_LENGTH_OUT, /* comes as payload */
	NBDX_LENGTH_ZERO /* length and offset are reserved */
};

enum nbdx_errno {
#define ERROR(name, number, words) NBDX_E_##name,
#include "translators/nbd/nbdx_errors.tbl"
#undef ERROR
	NBDX_E_COUNT
};

struct nbdx_row {
	const char *name;
	enum gw_op op;
	uint16_t flags;
	uint8_t payload; /* enum nbdx_payload */
	uint8_t length; /* enum nbdx_length */
	uint8_t past_end; /* enum nbdx_refusal */
	bool writes;
	uint32_t needs; /* enum nbdx_term */
};

static const struct nbdx_row rows[] = {
#define CMD(name_, number, op_, flags_, payload_, length_, end_, writes_, needs_, clause) \
	[number] = { .name = clause,                                                      \
		     .op = op_,                                                           \
		     .flags = NBDX_FLAG_FUA | (flags_),                                   \
		     .payload = payload_,                                                 \
		     .length = length_,                                                   \
		     .past_end = end_,                                                    \
		     .writes = writes_,                                                   \
		     .needs = needs_ },
#include "translators/nbd/nbdx_cmds.tbl"
#undef CMD
};

static const struct nbdx_error errors[] = {
#define ERROR(name, number, words) [NBDX_E_##name] = { number, words },
#include "translators/nbd/nbdx_errors.tbl"
#undef ERROR
};

static const uint8_t status_errors[GW_STATUS_COUNT] = {
#define STATUS(status, error) [status] = NBDX_E_##error,
#include "translators/nbd/nbdx_status.tbl"
#undef STATUS
};

static const struct {
	uint8_t error;
	const char *words;
} refusals[] = {
#define REFUSAL(name, error, words, clause) [NBDX_##name] = { NBDX_E_##error, words },
#include "translators/nbd/nbdx_refusals.tbl"
#undef REFUSAL
};

static const struct nbdx_row *row_of(uint16_t type)
{
	return type < TABLE_LEN(rows) && rows[type].name ? &rows[type] : NULL;
}

const char *nbdx_type_name(uint16_t type)
{
	const struct nbdx_row *row = row_of(type);

	return row ? row->name : "?";
}

/* "Transmission flags": each says what the volume can do, and no more. */
uint32_t nbdx_terms_of(const struct gw_facts *facts, bool read_only, uint32_t negotiated)
{
	uint32_t terms = negotiated | NBDX_HAS_FLAGS | NBDX_SEND_FLUSH | NBDX_SEND_FUA |
			 NBDX_SEND_CACHE;

	if (facts->read_only || read_only)
		terms |= NBDX_READ_ONLY_EXPORT;
	else
		terms |= NBDX_SEND_WRITE_ZEROES | NBDX_SEND_FAST_ZERO;
	if ((facts->caps & GW_CAP_UNMAP) && !(terms & NBDX_READ_ONLY_EXPORT))
		terms |= NBDX_SEND_TRIM;
	if (facts->caps & GW_CAP_MULTI)
		terms |= NBDX_CAN_MULTI_CONN;
	if (facts->caps & GW_CAP_ROTATIONAL)
		terms |= NBDX_ROTATIONAL;
	if (negotiated & (NBDX_HAS_STRUCTURED | NBDX_HAS_EXTENDED))
		terms |= NBDX_SEND_DF;
	if ((negotiated & NBDX_HAS_EXTENDED) && (negotiated & NBDX_HAS_CONTEXTS))
		terms |= NBDX_STATUS_PAYLOAD;
	return terms;
}

/* "Size constraints": minimum <= preferred <= payload, powers of two, preferred
 * at least 512; 4096 where the store knows nothing better. */
struct nbdx_sizes nbdx_sizes_of(const struct gw_facts *facts)
{
	struct nbdx_sizes sizes = { facts->block_bytes, 4096, NBDX_PAYLOAD_MAX_BYTES };

	if (sizes.preferred_bytes < facts->block_bytes)
		sizes.preferred_bytes = facts->block_bytes;
	if (sizes.preferred_bytes < facts->optimal_bytes)
		sizes.preferred_bytes = facts->optimal_bytes;
	if (sizes.preferred_bytes > NBDX_PAYLOAD_MAX_BYTES)
		sizes.preferred_bytes = NBDX_PAYLOAD_MAX_BYTES;
	return sizes;
}

/* "Request message": compact, only a write carries a payload, and one that is
 * somewhat too long is consumed; extended, the flag says so, and one that is too
 * long ends the connection. */
enum nbdx_follows nbdx_follows(const struct nbdx_terms *terms, const struct nbdx_cmd *cmd)
{
	const struct nbdx_row *row = row_of(cmd->type);
	enum nbdx_payload payload = row ? row->payload : NBDX_PAYLOAD_NONE;
	bool extended = terms->terms & NBDX_HAS_EXTENDED;

	if (extended ? !(cmd->flags & NBDX_FLAG_PAYLOAD_LEN) : payload != NBDX_PAYLOAD_DATA)
		return NBDX_FOLLOWS_NOTHING;
	if (cmd->length > (extended ? 1u : 2u) * (uint64_t)NBDX_PAYLOAD_MAX_BYTES)
		return NBDX_FOLLOWS_FLOOD;
	if (payload == NBDX_PAYLOAD_DATA && cmd->length <= NBDX_PAYLOAD_MAX_BYTES)
		return NBDX_FOLLOWS_DATA;
	if (payload == NBDX_PAYLOAD_IDS && (terms->terms & NBDX_STATUS_PAYLOAD))
		return NBDX_FOLLOWS_IDS;
	return NBDX_FOLLOWS_JUNK;
}

/* "Command flags": known to the command, and negotiated where that is asked. */
static enum nbdx_refusal check_flags(uint32_t terms, const struct nbdx_row *row, uint16_t flags)
{
	uint16_t plain = flags & ~NBDX_FLAG_PAYLOAD_LEN;

	if (plain & ~row->flags)
		return NBDX_BAD_FLAG;
	if ((flags & NBDX_FLAG_DF) && !(terms & NBDX_SEND_DF))
		return NBDX_NOT_NEGOTIATED;
	if (!(terms & NBDX_HAS_EXTENDED))
		return flags == plain ? NBDX_ACCEPTED : NBDX_BAD_FLAG;
	if (row->payload == NBDX_PAYLOAD_DATA)
		return flags == plain ? NBDX_NO_PAYLOAD : NBDX_ACCEPTED;
	if (flags != plain && (row->payload == NBDX_PAYLOAD_NONE || !(terms & NBDX_STATUS_PAYLOAD)))
		return NBDX_BAD_PAYLOAD;
	return NBDX_ACCEPTED;
}

static enum nbdx_refusal check_length(const struct nbdx_terms *terms, const struct nbdx_row *row,
				      const struct nbdx_cmd *cmd)
{
	bool chunks = terms->terms & (NBDX_HAS_STRUCTURED | NBDX_HAS_EXTENDED);

	switch ((enum nbdx_length)row->length) {
	case NBDX_LENGTH_ZERO:
		return cmd->length || cmd->offset ? NBDX_BAD_LENGTH : NBDX_ACCEPTED;
	case NBDX_LENGTH_SOME:
		return cmd->length ? NBDX_ACCEPTED : NBDX_BAD_LENGTH;
	case NBDX_LENGTH_IN:
		if (cmd->length > NBDX_PAYLOAD_MAX_BYTES)
			return chunks ? NBDX_TOO_LONG_READ : NBDX_TOO_LONG;
		return NBDX_ACCEPTED;
	case NBDX_LENGTH_OUT:
		return cmd->length > NBDX_PAYLOAD_MAX_BYTES ? NBDX_TOO_LONG : NBDX_ACCEPTED;
	case NBDX_LENGTH_ANY:
		break;
	}
	return NBDX_ACCEPTED;
}

static uint32_t plan_flags(const struct nbdx_row *row, uint16_t flags)
{
	uint32_t plan = 0;

	if ((flags & NBDX_FLAG_FUA) && row->writes)
		plan |= GW_FUA;
	if (flags & NBDX_FLAG_NO_HOLE)
		plan |= GW_NO_HOLE;
	if (flags & NBDX_FLAG_FAST_ZERO)
		plan |= GW_FAST_ONLY;
	if (flags & NBDX_FLAG_REQ_ONE)
		plan |= GW_EXTENT_ONE;
	return plan;
}

enum nbdx_refusal nbdx_check(const struct nbdx_terms *terms, const struct nbdx_cmd *cmd,
			     struct nbdx_plan *plan)
{
	const struct nbdx_row *row = row_of(cmd->type);
	enum nbdx_refusal refusal;

	if (!row)
		return NBDX_UNKNOWN_COMMAND;
	refusal = check_flags(terms->terms, row, cmd->flags);
	if (refusal)
		return refusal;
	if (row->writes && (terms->terms & NBDX_READ_ONLY_EXPORT))
		return NBDX_READ_ONLY;
	if ((terms->terms & row->needs) != row->needs)
		return NBDX_NOT_NEGOTIATED;
	refusal = check_length(terms, row, cmd);
	if (refusal)
		return refusal;
	if ((cmd->offset | cmd->length) & (terms->min_block_bytes - 1))
		return NBDX_MISALIGNED;
	if (!num_inside(cmd->offset, cmd->length, terms->size_bytes))
		return row->past_end;
	plan->op = row->op;
	plan->flags = plan_flags(row, cmd->flags);
	plan->nothing = !cmd->length && row->length != NBDX_LENGTH_ZERO;
	return NBDX_ACCEPTED;
}

struct nbdx_error nbdx_error_of_refusal(enum nbdx_refusal refusal)
{
	if (refusal >= NBDX_REFUSAL_COUNT)
		return errors[NBDX_E_EINVAL];
	return (struct nbdx_error){ errors[refusals[refusal].error].number,
				    refusals[refusal].words };
}

struct nbdx_error nbdx_error_of_status(enum gw_status status, uint16_t type, uint16_t flags)
{
	const struct nbdx_row *row = row_of(type);
	enum nbdx_errno error = status < GW_STATUS_COUNT ? status_errors[status] : NBDX_E_EIO;

	if (status == GW_OUT_OF_RANGE && row)
		error = refusals[row->past_end].error;
	/* ENOTSUP only where a fast zero was asked for ("Error values") */
	if (status == GW_NOT_FAST && (flags & NBDX_FLAG_FAST_ZERO))
		error = NBDX_E_ENOTSUP;
	/* CACHE is a hint: to be without effect is no error */
	if (status == GW_UNSUPPORTED && type == NBDX_CACHE)
		error = NBDX_E_NONE;
	return (struct nbdx_error){ errors[error].number, gw_status_words(status) };
}

uint32_t nbdx_extent_state(uint32_t extent_flags)
{
	enum { STATE_HOLE = 1, STATE_ZERO = 2 };

	return (extent_flags & GW_EXTENT_HOLE ? STATE_HOLE : 0) |
	       (extent_flags & GW_EXTENT_ZERO ? STATE_ZERO : 0);
}
