/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_talk.c - commands about the book.
 */
#include "config.h"

#include "protocols/aoe/aoe_talk.h"

static enum aoe_outcome config(const struct aoe_talk *talk, const struct aoe_book *book,
			       struct aoe_book *next, uint8_t *to, size_t room, size_t *bytes)
{
	enum aoe_error error = AOE_ERROR_NONE;
	struct aoe_config_reply reply;
	enum aoe_outcome outcome =
		aoe_book_config(book, &talk->request.config, next, &error, &reply);
	struct aoe_reply head = aoe_pdu_reply(&talk->head, &talk->target, error);

	if (outcome != AOE_OUTCOME_SILENT)
		*bytes = aoe_pdu_config_put(to, room, &head, &talk->offer, &reply);
	return outcome;
}

static enum aoe_outcome mask(const struct aoe_talk *talk, const struct aoe_book *book,
			     struct aoe_book *next, uint8_t *to, size_t room, size_t *bytes)
{
	enum aoe_error error = AOE_ERROR_NONE;
	struct aoe_mask_reply reply;
	enum aoe_outcome outcome = aoe_book_mask(book, &talk->request.mask, next, &error, &reply);
	struct aoe_reply head = aoe_pdu_reply(&talk->head, &talk->target, error);

	*bytes = aoe_pdu_mask_put(to, room, &head, &reply);
	return outcome;
}

static enum aoe_outcome reserve(const struct aoe_talk *talk, const struct aoe_book *book,
				struct aoe_book *next, uint8_t *to, size_t room, size_t *bytes)
{
	enum aoe_error error = AOE_ERROR_NONE;
	struct aoe_reserve_reply reply;
	enum aoe_outcome outcome = aoe_book_reserve(book, &talk->head.src, &talk->request.reserve,
						    next, &error, &reply);
	struct aoe_reply head = aoe_pdu_reply(&talk->head, &talk->target, error);

	*bytes = aoe_pdu_reserve_put(to, room, &head, &reply);
	return outcome;
}

enum aoe_outcome aoe_talk_answer(const struct aoe_talk *talk, const struct aoe_book *book,
				 struct aoe_book *next, uint8_t *to, size_t room, size_t *bytes)
{
	*bytes = 0;
	switch (talk->head.command) {
	case AOE_COMMAND_CONFIG:
		return config(talk, book, next, to, room, bytes);
	case AOE_COMMAND_MASK:
		return mask(talk, book, next, to, room, bytes);
	case AOE_COMMAND_RESERVE:
		return reserve(talk, book, next, to, room, bytes);
	default:
		return AOE_OUTCOME_SILENT; /* no command about the book */
	}
}

size_t aoe_talk_announce(const struct aoe_target *target, const struct aoe_offer *offer,
			 const struct aoe_book *book, const struct aoe_mac *to_whom, uint8_t *to,
			 size_t room)
{
	struct aoe_reply head = { .dst = *to_whom,
				  .from = *target,
				  .command = AOE_COMMAND_CONFIG };
	struct aoe_config_reply reply = { .command = AOE_CONFIG_READ,
					  .string = book->config,
					  .string_bytes = book->config_bytes };

	return aoe_pdu_config_put(to, room, &head, offer, &reply);
}
