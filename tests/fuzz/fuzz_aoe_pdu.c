/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_aoe_pdu.c - frames as a target takes them in, one after the other.
 *
 * Input: two bytes of length and a frame, again and again; a length too long takes
 * the rest.  Each goes through header, address, argument, the book and the encoder
 * of its answer; what comes out is looked at.  The book that the frames have left
 * must survive its record.  A first byte of 0xff: the rest is a record.
 */
#include "config.h"

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"
#include "gateway/base/err.h"
#include "protocols/aoe/aoe_book.h"
#include "protocols/aoe/aoe_pdu.h"
#include "tests/fuzz/fuzz.h"

#define ROOM 4096u

static const struct aoe_target target = { .mac = { { 0x02, 0, 0, 0, 0, 1 } },
					  .shelf = 1,
					  .slot = 2 };
static const struct aoe_offer offer = { 16, 1, 2 };

/* Everything that is sent is ours from the first byte to the last. */
static void look_at_answer(const uint8_t *to, size_t bytes, const struct aoe_head *head)
{
	GW_CHECK(bytes >= AOE_FRAME_MIN && bytes <= ROOM);
	GW_CHECK(!memcmp(to, head->src.at, 6) && !memcmp(to + 6, target.mac.at, 6));
	GW_CHECK((to[AOE_AT_FLAGS] & ~AOE_ERROR) == 0x18);
	GW_CHECK(!(to[AOE_AT_FLAGS] & AOE_ERROR) == !to[AOE_AT_ERROR]);
	GW_CHECK(be16_get(to + AOE_AT_SHELF) == 1 && to[AOE_AT_SLOT] == 2);
	GW_CHECK(to[AOE_AT_COMMAND] == head->command && be32_get(to + AOE_AT_TAG) == head->tag);
}

/* The outcome of one request on the book, and the answer in memory full of `fill`. */
static size_t answer(struct aoe_book *book, const struct aoe_head *head,
		     const struct aoe_request *request, uint8_t *to, bool keep)
{
	static struct aoe_book next;
	enum aoe_outcome outcome;
	enum aoe_error error;
	struct aoe_reply reply;
	size_t bytes;

	if (head->command == AOE_COMMAND_CONFIG) {
		struct aoe_config_reply config;

		outcome = aoe_book_config(book, &request->config, &next, &error, &config);
		if (outcome == AOE_OUTCOME_SILENT)
			return 0;
		reply = aoe_pdu_reply(head, &target, error);
		bytes = aoe_pdu_config_put(to, ROOM, &reply, &offer, &config);
	} else if (head->command == AOE_COMMAND_MASK) {
		struct aoe_mask_reply mask;

		outcome = aoe_book_mask(book, &request->mask, &next, &error, &mask);
		reply = aoe_pdu_reply(head, &target, error);
		bytes = aoe_pdu_mask_put(to, ROOM, &reply, &mask);
	} else {
		struct aoe_reserve_reply reserve;

		outcome = aoe_book_reserve(book, &head->src, &request->reserve, &next, &error,
					   &reserve);
		reply = aoe_pdu_reply(head, &target, error);
		bytes = aoe_pdu_reserve_put(to, ROOM, &reply, &reserve);
	}
	if (keep && outcome == AOE_OUTCOME_CHANGED)
		*book = next;
	return bytes;
}

/* Answers twice, into memory of two colours: a byte that was not written shows. */
static void fuzz_request(struct aoe_book *book, const struct aoe_head *head,
			 const struct aoe_request *request)
{
	static uint8_t dark[ROOM], light[ROOM];
	size_t bytes;

	memset(dark, 0, sizeof(dark));
	memset(light, 0xff, sizeof(light));
	bytes = answer(book, head, request, dark, false);
	GW_CHECK(answer(book, head, request, light, true) == bytes);
	GW_CHECK(!memcmp(dark, light, bytes));
	if (bytes)
		look_at_answer(dark, bytes, head);
}

static void fuzz_ata(const struct aoe_book *book, const struct aoe_head *head,
		     const struct aoe_ata *ata, const uint8_t *frame, size_t bytes)
{
	struct aoe_ata_reply reply = { ata->flags, ata->feature, ata->count, ata->command,
				       ata->lba };
	struct aoe_reply whom = aoe_pdu_reply(head, &target, AOE_ERROR_NONE);
	uint8_t to[AOE_FRAME_MIN];

	GW_CHECK(ata->data == frame + AOE_AT_ATA_DATA);
	GW_CHECK(ata->data_bytes == bytes - AOE_AT_ATA_DATA);
	GW_CHECK(!(ata->flags & AOE_ATA_WRITE) || ata->data_bytes >= ata->count * 512u);
	GW_CHECK(ata->lba < 1ull << 48);
	aoe_book_lets(book, &head->src, ata->command);
	look_at_answer(to, aoe_pdu_ata_put(to, &whom, &reply, false), head);
	GW_CHECK(to[AOE_AT_ATA_FLAGS] == ata->flags);
	GW_CHECK(!memcmp(to + AOE_AT_ATA_LBA, frame + AOE_AT_ATA_LBA, 6));
}

static void fuzz_frame(struct aoe_book *book, const uint8_t *frame, size_t bytes)
{
	struct aoe_head head;
	struct aoe_request request;
	enum aoe_address address;
	enum aoe_refusal refusal = aoe_pdu_head_get(frame, bytes, &head);
	uint8_t to[AOE_FRAME_MIN];

	if (refusal) {
		GW_CHECK(aoe_pdu_refusal(refusal)->error == AOE_ERROR_NONE);
		return;
	}
	address = aoe_pdu_address(&head, &target);
	if (address == AOE_ADDRESS_NOT || !aoe_book_hears(book, &head.src))
		return;
	refusal = aoe_pdu_request_get(frame, bytes, &head, address, &request);
	if (refusal) {
		struct aoe_reply reply =
			aoe_pdu_reply(&head, &target, aoe_pdu_refusal(refusal)->error);

		GW_CHECK(reply.error);
		look_at_answer(to, aoe_pdu_bare_put(to, sizeof(to), &reply), &head);
	} else if (head.command == AOE_COMMAND_ATA) {
		fuzz_ata(book, &head, &request.ata, frame, bytes);
	} else {
		fuzz_request(book, &head, &request);
	}
}

static void look_at_book(const struct aoe_book *book)
{
	static uint8_t record[AOE_BOOK_RECORD_MAX];
	static struct aoe_book again;
	size_t bytes;

	GW_CHECK(book->config_bytes <= AOE_CONFIG_MAX && book->mask_count <= AOE_MASK_MAX);
	GW_CHECK(book->reserve_count <= AOE_RESERVE_MAX);
	bytes = aoe_book_save(book, record);
	GW_CHECK(!aoe_book_load(record, bytes, &again, NULL));
	GW_CHECK(!memcmp(&again, book, sizeof(again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct aoe_book book;
	struct gw_err err;

	memset(&book, 0, sizeof(book));
	if (size && data[0] == 0xff) {
		if (!aoe_book_load(data + 1, size - 1, &book, &err))
			look_at_book(&book);
		return 0;
	}
	while (size >= 2) {
		size_t bytes = be16_get(data);

		data += 2;
		size -= 2;
		if (bytes > size)
			bytes = size;
		fuzz_frame(&book, data, bytes);
		data += bytes;
		size -= bytes;
	}
	look_at_book(&book);
	return 0;
}
