/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_pdu.c - AoE frames to structures, and replies to frames.
 */
#include "config.h"

#include "protocols/aoe/aoe_pdu.h"

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"

/* ---- the tables ------------------------------------------------------------ */

struct command_row {
	const char *words;
	uint8_t arg_bytes;
};

static const struct command_row commands[] = {
#define COMMAND(NAME, number, arg_bytes, words, clause) [number] = { words, arg_bytes },
#include "protocols/aoe/aoe_commands.tbl"
#undef COMMAND
};

static const struct aoe_refusal_row refusals[AOE_REFUSAL_COUNT] = {
#define REFUSAL(NAME, error, words, clause) \
	[AOE_REFUSAL_##NAME] = { AOE_ERROR_##error, words, clause },
#include "protocols/aoe/aoe_refusals.tbl"
#undef REFUSAL
};

static const struct command_row *row_of(unsigned command)
{
	return command < TABLE_LEN(commands) && commands[command].words ? &commands[command] : NULL;
}

const struct aoe_refusal_row *aoe_pdu_refusal(enum aoe_refusal refusal)
{
	return (unsigned)refusal < AOE_REFUSAL_COUNT && refusals[refusal].words ? &refusals[refusal]
										: NULL;
}

const char *aoe_pdu_command_words(unsigned command)
{
	const struct command_row *row = row_of(command);

	return row ? row->words : "?";
}

const char *aoe_pdu_error_words(unsigned error)
{
	switch (error) {
#define ERROR(NAME, number, words, clause) \
	case AOE_ERROR_##NAME:             \
		return words;
#include "protocols/aoe/aoe_errors.tbl"
#undef ERROR
	default:
		return "?";
	}
}

/* ---- the header ------------------------------------------------------------ */

/* 2 */
enum aoe_refusal aoe_pdu_head_get(const uint8_t *frame, size_t bytes, struct aoe_head *head)
{
	struct aoe_head got;

	if (bytes < AOE_HEAD_BYTES)
		return AOE_REFUSAL_SHORT;
	if (be16_get(frame + AOE_AT_TYPE) != AOE_ETHERTYPE)
		return AOE_REFUSAL_TYPE;
	if (frame[AOE_AT_FLAGS] & AOE_RESPONSE)
		return AOE_REFUSAL_RESPONSE;
	memcpy(got.dst.at, frame + AOE_AT_DST, AOE_MAC_BYTES);
	memcpy(got.src.at, frame + AOE_AT_SRC, AOE_MAC_BYTES);
	if (aoe_mac_is_group(&got.src))
		return AOE_REFUSAL_SENDER;
	got.version = frame[AOE_AT_FLAGS] >> 4;
	got.command = frame[AOE_AT_COMMAND];
	got.shelf = be16_get(frame + AOE_AT_SHELF);
	got.slot = frame[AOE_AT_SLOT];
	got.tag = be32_get(frame + AOE_AT_TAG);
	*head = got;
	return AOE_REFUSAL_NONE;
}

enum aoe_address aoe_pdu_address(const struct aoe_head *head, const struct aoe_target *target)
{
	if (head->shelf != target->shelf && head->shelf != AOE_SHELF_ALL)
		return AOE_ADDRESS_NOT;
	if (head->slot != target->slot && head->slot != AOE_SLOT_ALL)
		return AOE_ADDRESS_NOT;
	return head->shelf == AOE_SHELF_ALL || head->slot == AOE_SLOT_ALL ? AOE_ADDRESS_ALL
									  : AOE_ADDRESS_ONE;
}

/* ---- requests -------------------------------------------------------------- */

/* Six bytes, low one first. */
static uint64_t lba_get(const uint8_t *from)
{
	return (uint64_t)le16_get(from + 4) << 32 | le32_get(from);
}

static void lba_put(uint8_t *to, uint64_t lba)
{
	le32_put(to, (uint32_t)lba);
	le16_put(to + 4, (uint16_t)(lba >> 32));
}

/* 3.1 */
static enum aoe_refusal ata_get(const uint8_t *frame, size_t bytes, enum aoe_address address,
				struct aoe_ata *ata)
{
	struct aoe_ata got = { .flags = frame[AOE_AT_ATA_FLAGS] & AOE_ATA_FLAGS,
			       .feature = frame[AOE_AT_ATA_FEATURE],
			       .count = frame[AOE_AT_ATA_COUNT],
			       .command = frame[AOE_AT_ATA_COMMAND],
			       .lba = lba_get(frame + AOE_AT_ATA_LBA),
			       .data = frame + AOE_AT_ATA_DATA,
			       .data_bytes = bytes - AOE_AT_ATA_DATA };

	/* The text does not forbid it.  We do: one frame must not reach every disk. */
	if (address == AOE_ADDRESS_ALL)
		return AOE_REFUSAL_ATA_TO_ALL;
	if (got.flags & AOE_ATA_WRITE && got.data_bytes / AOE_SECTOR_BYTES < got.count)
		return AOE_REFUSAL_ATA_DATA;
	*ata = got;
	return AOE_REFUSAL_NONE;
}

/* 3.2 */
static enum aoe_refusal config_get(const uint8_t *frame, size_t bytes, struct aoe_config *config)
{
	struct aoe_config got = { .command = frame[AOE_AT_CONFIG_COMMAND] & 0xf,
				  .string = frame + AOE_AT_CONFIG_STRING,
				  .string_bytes = be16_get(frame + AOE_AT_CONFIG_LENGTH) };

	if (got.command > AOE_CONFIG_FORCE)
		return AOE_REFUSAL_CONFIG_COMMAND;
	if (got.command == AOE_CONFIG_READ)
		got.string_bytes = 0;
	if (got.string_bytes > AOE_CONFIG_MAX)
		return AOE_REFUSAL_CONFIG_LONG;
	if (got.string_bytes > bytes - AOE_AT_CONFIG_STRING)
		return AOE_REFUSAL_CONFIG_CUT;
	*config = got;
	return AOE_REFUSAL_NONE;
}

/* 3.3 */
static enum aoe_refusal mask_get(const uint8_t *frame, size_t bytes, struct aoe_mask *mask)
{
	struct aoe_mask got = { .command = frame[AOE_AT_MASK_COMMAND],
				.count = frame[AOE_AT_MASK_COUNT],
				.list = frame + AOE_AT_MASK_LIST };

	if (got.command > AOE_MASK_EDIT)
		return AOE_REFUSAL_MASK_COMMAND;
	if (got.command == AOE_MASK_READ)
		got.count = 0;
	if (got.count > (bytes - AOE_AT_MASK_LIST) / AOE_DIRECTIVE_BYTES)
		return AOE_REFUSAL_MASK_CUT;
	*mask = got;
	return AOE_REFUSAL_NONE;
}

struct aoe_directive aoe_pdu_directive_get(const struct aoe_mask *mask, unsigned i)
{
	const uint8_t *from = mask->list + (size_t)i * AOE_DIRECTIVE_BYTES;
	struct aoe_directive directive = { .command = from[1] };

	memcpy(directive.mac.at, from + 2, AOE_MAC_BYTES);
	return directive;
}

/* 3.4 */
static enum aoe_refusal reserve_get(const uint8_t *frame, size_t bytes, struct aoe_reserve *reserve)
{
	struct aoe_reserve got = { .command = frame[AOE_AT_RESERVE_COMMAND],
				   .count = frame[AOE_AT_RESERVE_COUNT],
				   .list = frame + AOE_AT_RESERVE_LIST };

	if (got.command > AOE_RESERVE_FORCE)
		return AOE_REFUSAL_RESERVE_COMMAND;
	if (got.command == AOE_RESERVE_READ)
		got.count = 0;
	if (got.count > AOE_RESERVE_MAX)
		return AOE_REFUSAL_RESERVE_LONG;
	if (got.count > (bytes - AOE_AT_RESERVE_LIST) / AOE_MAC_BYTES)
		return AOE_REFUSAL_RESERVE_CUT;
	*reserve = got;
	return AOE_REFUSAL_NONE;
}

enum aoe_refusal aoe_pdu_request_get(const uint8_t *frame, size_t bytes,
				     const struct aoe_head *head, enum aoe_address address,
				     struct aoe_request *request)
{
	const struct command_row *row = row_of(head->command);

	if (head->version != AOE_VERSION)
		return AOE_REFUSAL_VERSION;
	if (!row)
		return AOE_REFUSAL_COMMAND;
	if (bytes < AOE_HEAD_BYTES + row->arg_bytes)
		return AOE_REFUSAL_ARGUMENT;
	switch (head->command) {
	case AOE_COMMAND_ATA:
		return ata_get(frame, bytes, address, &request->ata);
	case AOE_COMMAND_CONFIG:
		return config_get(frame, bytes, &request->config);
	case AOE_COMMAND_MASK:
		return mask_get(frame, bytes, &request->mask);
	case AOE_COMMAND_RESERVE:
		return reserve_get(frame, bytes, &request->reserve);
	default:
		return AOE_REFUSAL_COMMAND;
	}
}

/* ---- replies --------------------------------------------------------------- */

struct aoe_reply aoe_pdu_reply(const struct aoe_head *head, const struct aoe_target *from,
			       enum aoe_error error)
{
	return (struct aoe_reply){ .dst = head->src,
				   .from = *from,
				   .command = head->command,
				   .error = (uint8_t)error,
				   .tag = head->tag };
}

/* A frame of zeros with its header, for n bytes or what Ethernet wants; 0 if there
 * is no room for it. */
static size_t begin(uint8_t *to, size_t room, const struct aoe_reply *reply, size_t n)
{
	size_t bytes = n < AOE_FRAME_MIN ? AOE_FRAME_MIN : n;

	if (bytes > room)
		return 0;
	memset(to, 0, bytes);
	memcpy(to + AOE_AT_DST, reply->dst.at, AOE_MAC_BYTES);
	memcpy(to + AOE_AT_SRC, reply->from.mac.at, AOE_MAC_BYTES);
	be16_put(to + AOE_AT_TYPE, AOE_ETHERTYPE);
	to[AOE_AT_FLAGS] = AOE_VERSION << 4 | AOE_RESPONSE | (reply->error ? AOE_ERROR : 0);
	to[AOE_AT_ERROR] = reply->error;
	be16_put(to + AOE_AT_SHELF, reply->from.shelf);
	to[AOE_AT_SLOT] = reply->from.slot;
	to[AOE_AT_COMMAND] = reply->command;
	be32_put(to + AOE_AT_TAG, reply->tag);
	return bytes;
}

size_t aoe_pdu_bare_put(uint8_t *to, size_t room, const struct aoe_reply *reply)
{
	return begin(to, room, reply, AOE_HEAD_BYTES);
}

/* 3.1 */
size_t aoe_pdu_ata_put(uint8_t to[AOE_FRAME_MIN], const struct aoe_reply *reply,
		       const struct aoe_ata_reply *ata, bool data)
{
	begin(to, AOE_FRAME_MIN, reply, AOE_FRAME_MIN);
	to[AOE_AT_ATA_FLAGS] = ata->flags & AOE_ATA_FLAGS;
	to[AOE_AT_ATA_FEATURE] = ata->error;
	to[AOE_AT_ATA_COUNT] = ata->count;
	to[AOE_AT_ATA_COMMAND] = ata->status;
	lba_put(to + AOE_AT_ATA_LBA, ata->lba);
	return data ? AOE_AT_ATA_DATA : AOE_FRAME_MIN;
}

/* 3.2 */
size_t aoe_pdu_config_put(uint8_t *to, size_t room, const struct aoe_reply *reply,
			  const struct aoe_offer *offer, const struct aoe_config_reply *config)
{
	size_t bytes = begin(to, room, reply, AOE_AT_CONFIG_STRING + config->string_bytes);

	if (!bytes)
		return 0;
	be16_put(to + AOE_AT_CONFIG_BUFFERS, offer->buffers);
	be16_put(to + AOE_AT_CONFIG_FIRMWARE, offer->firmware);
	to[AOE_AT_CONFIG_SECTORS] = offer->sectors;
	to[AOE_AT_CONFIG_COMMAND] = AOE_VERSION << 4 | (config->command & 0xf);
	be16_put(to + AOE_AT_CONFIG_LENGTH, config->string_bytes);
	if (config->string_bytes)
		memcpy(to + AOE_AT_CONFIG_STRING, config->string, config->string_bytes);
	return bytes;
}

/* 3.3 */
size_t aoe_pdu_mask_put(uint8_t *to, size_t room, const struct aoe_reply *reply,
			const struct aoe_mask_reply *mask)
{
	unsigned n = mask->error ? 0 : mask->list_count;
	size_t bytes = begin(to, room, reply, AOE_AT_MASK_LIST + n * AOE_DIRECTIVE_BYTES);

	if (!bytes)
		return 0;
	to[AOE_AT_MASK_COMMAND] = mask->command;
	to[AOE_AT_MASK_ERROR] = mask->error;
	to[AOE_AT_MASK_COUNT] = mask->error ? mask->done : mask->list_count;
	to += AOE_AT_MASK_LIST;
	for (unsigned i = 0; i < n; i++, to += AOE_DIRECTIVE_BYTES)
		memcpy(to + 2, mask->list[i].at, AOE_MAC_BYTES); /* directive 0: none */
	return bytes;
}

/* 3.4 */
size_t aoe_pdu_reserve_put(uint8_t *to, size_t room, const struct aoe_reply *reply,
			   const struct aoe_reserve_reply *reserve)
{
	size_t list_bytes = (size_t)reserve->list_count * AOE_MAC_BYTES;
	size_t bytes = begin(to, room, reply, AOE_AT_RESERVE_LIST + list_bytes);

	if (!bytes)
		return 0;
	to[AOE_AT_RESERVE_COMMAND] = reserve->command;
	to[AOE_AT_RESERVE_COUNT] = reserve->list_count;
	if (list_bytes)
		memcpy(to + AOE_AT_RESERVE_LIST, reserve->list, list_bytes);
	return bytes;
}
