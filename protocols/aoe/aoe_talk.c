/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_talk.c - commands about the book.
 */
#include "config.h"

#include "protocols/aoe/aoe_talk.h"

/* Where an answer goes. */
struct sheet {
	const struct aoe_talk *talk;
	const struct aoe_request *request;
	uint8_t *to;
	size_t room, *bytes;
};

static struct aoe_reply head_of(const struct sheet *sheet, enum aoe_error error)
{
	return aoe_pdu_reply(&sheet->talk->head, &sheet->talk->target, error);
}

static enum aoe_outcome refuse(const struct sheet *sheet, enum aoe_refusal refusal)
{
	enum aoe_error error = aoe_pdu_refusal(refusal)->error;
	struct aoe_reply head = head_of(sheet, error);

	if (!error)
		return AOE_OUTCOME_SILENT;
	*sheet->bytes = aoe_pdu_bare_put(sheet->to, sheet->room, &head);
	return AOE_OUTCOME_SAME;
}

static enum aoe_outcome config(const struct sheet *sheet, const struct aoe_book *book,
			       struct aoe_book *next)
{
	enum aoe_error error = AOE_ERROR_NONE;
	struct aoe_config_reply reply;
	enum aoe_outcome outcome =
		aoe_book_config(book, &sheet->request->config, next, &error, &reply);
	struct aoe_reply head = head_of(sheet, error);

	if (outcome != AOE_OUTCOME_SILENT)
		*sheet->bytes = aoe_pdu_config_put(sheet->to, sheet->room, &head,
						   &sheet->talk->offer, &reply);
	return outcome;
}

static enum aoe_outcome mask(const struct sheet *sheet, const struct aoe_book *book,
			     struct aoe_book *next)
{
	enum aoe_error error = AOE_ERROR_NONE;
	struct aoe_mask_reply reply;
	enum aoe_outcome outcome = aoe_book_mask(book, &sheet->request->mask, next, &error, &reply);
	struct aoe_reply head = head_of(sheet, error);

	*sheet->bytes = aoe_pdu_mask_put(sheet->to, sheet->room, &head, &reply);
	return outcome;
}

static enum aoe_outcome reserve(const struct sheet *sheet, const struct aoe_book *book,
				struct aoe_book *next)
{
	enum aoe_error error = AOE_ERROR_NONE;
	struct aoe_reserve_reply reply;
	enum aoe_outcome outcome = aoe_book_reserve(book, &sheet->talk->head.src,
						    &sheet->request->reserve, next, &error, &reply);
	struct aoe_reply head = head_of(sheet, error);

	*sheet->bytes = aoe_pdu_reserve_put(sheet->to, sheet->room, &head, &reply);
	return outcome;
}

enum aoe_outcome aoe_talk_answer(const struct aoe_talk *talk, const struct aoe_book *book,
				 struct aoe_book *next, uint8_t *to, size_t room, size_t *bytes)
{
	struct aoe_request request;
	const struct sheet sheet = { talk, &request, to, room, bytes };
	enum aoe_refusal refusal = aoe_pdu_request_get(talk->frame, talk->frame_bytes, &talk->head,
						       talk->address, &request);

	*bytes = 0;
	if (refusal)
		return refuse(&sheet, refusal);
	switch (talk->head.command) {
	case AOE_COMMAND_CONFIG:
		return config(&sheet, book, next);
	case AOE_COMMAND_MASK:
		return mask(&sheet, book, next);
	case AOE_COMMAND_RESERVE:
		return reserve(&sheet, book, next);
	default:
		return AOE_OUTCOME_SILENT; /* ATA is not talked of here */
	}
}

size_t aoe_talk_announce(const struct aoe_target *target, const struct aoe_offer *offer,
			 const struct aoe_book *book, const struct aoe_mac *to_whom, uint8_t *to,
			 size_t room)
{
	struct aoe_reply head = { .dst = *to_whom, .from = *target, .command = AOE_COMMAND_CONFIG };
	struct aoe_config_reply reply = { .command = AOE_CONFIG_READ,
					  .string = book->config,
					  .string_bytes = book->config_bytes };

	return aoe_pdu_config_put(to, room, &head, offer, &reply);
}
