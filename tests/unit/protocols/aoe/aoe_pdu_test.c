/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_pdu_test.c - every message, every field, every truncation.
 *
 * A frame stands at the end of memory of exactly its size, so that a byte read too
 * far is seen by the sanitizer.
 */
#include "config.h"

#include "protocols/aoe/aoe_pdu.h"

#include "gateway/base/bytes.h"
#include "tests/harness/harness.h"

#define SHELF 0x0102
#define SLOT 3
#define TAG 0xa1b2c3d4u

static const struct aoe_target target = { .mac = { { 0x02, 0, 0, 0, 0, 0x10 } },
					  .shelf = SHELF,
					  .slot = SLOT };
static const struct aoe_mac client = { { 0x02, 0, 0, 0, 0, 0x20 } };

/* A request with an argument of n zero bytes. */
static size_t frame(uint8_t *to, uint8_t command, size_t n)
{
	memset(to, 0, AOE_HEAD_BYTES + n);
	memcpy(to + AOE_AT_DST, target.mac.at, AOE_MAC_BYTES);
	memcpy(to + AOE_AT_SRC, client.at, AOE_MAC_BYTES);
	be16_put(to + AOE_AT_TYPE, AOE_ETHERTYPE);
	to[AOE_AT_FLAGS] = AOE_VERSION << 4;
	be16_put(to + AOE_AT_SHELF, SHELF);
	to[AOE_AT_SLOT] = SLOT;
	to[AOE_AT_COMMAND] = command;
	be32_put(to + AOE_AT_TAG, TAG);
	return AOE_HEAD_BYTES + n;
}

/* Head and argument of the first n bytes of a frame, from memory of exactly n. */
static enum aoe_refusal get(const uint8_t *from, size_t n, struct aoe_request *request)
{
	static uint8_t *exact;
	struct aoe_head head;
	enum aoe_refusal refusal;

	free(exact);
	exact = malloc(n ? n : 1);
	assert_non_null(exact);
	memcpy(exact, from, n);
	refusal = aoe_pdu_head_get(exact, n, &head);
	if (refusal)
		return refusal;
	return aoe_pdu_request_get(exact, n, &head, aoe_pdu_address(&head, &target), request);
}

/* Nothing was written where a request was refused. */
static void assert_untouched(const struct aoe_request *request)
{
	const uint8_t *p = (const uint8_t *)request;

	for (size_t i = 0; i < sizeof(*request); i++)
		assert_int_equal(p[i], 0x77);
}

static void refused(const uint8_t *from, size_t n, enum aoe_refusal want)
{
	struct aoe_request request;

	memset(&request, 0x77, sizeof(request));
	assert_int_equal(get(from, n, &request), want);
	assert_untouched(&request);
}

/* ---- the header ------------------------------------------------------------- */

static void head_fields(void **state)
{
	uint8_t b[AOE_HEAD_BYTES];
	struct aoe_head head;

	frame(b, AOE_COMMAND_RESERVE, 0);
	b[AOE_AT_FLAGS] |= 7; /* error and what is reserved: nothing to a request */
	b[AOE_AT_ERROR] = 9;
	assert_int_equal(aoe_pdu_head_get(b, sizeof(b), &head), AOE_REFUSAL_NONE);
	assert_true(aoe_mac_same(&head.dst, &target.mac));
	assert_true(aoe_mac_same(&head.src, &client));
	assert_int_equal(head.version, 1);
	assert_int_equal(head.command, AOE_COMMAND_RESERVE);
	assert_int_equal(head.shelf, SHELF);
	assert_int_equal(head.slot, SLOT);
	assert_int_equal(head.tag, TAG);
}

static void head_short(void **state)
{
	uint8_t b[AOE_HEAD_BYTES];

	frame(b, AOE_COMMAND_CONFIG, 0);
	for (size_t n = 0; n < sizeof(b); n++)
		refused(b, n, AOE_REFUSAL_SHORT);
}

static void head_no_request(void **state)
{
	uint8_t b[AOE_FRAME_MIN];
	size_t n = frame(b, AOE_COMMAND_CONFIG, 36);

	for (unsigned bit = 0; bit < 16; bit++) {
		be16_put(b + AOE_AT_TYPE, (uint16_t)(AOE_ETHERTYPE ^ 1u << bit));
		refused(b, n, AOE_REFUSAL_TYPE);
	}
	be16_put(b + AOE_AT_TYPE, AOE_ETHERTYPE);
	b[AOE_AT_FLAGS] |= AOE_RESPONSE;
	refused(b, n, AOE_REFUSAL_RESPONSE);
	b[AOE_AT_FLAGS] ^= AOE_RESPONSE | 0x20;
	refused(b, n, AOE_REFUSAL_VERSION);
	b[AOE_AT_FLAGS] |= AOE_RESPONSE; /* a response of any version */
	refused(b, n, AOE_REFUSAL_RESPONSE);
	frame(b, AOE_COMMAND_CONFIG, 36);
	b[AOE_AT_SRC] |= 1;
	refused(b, n, AOE_REFUSAL_SENDER);
	memset(b + AOE_AT_SRC, 0xff, AOE_MAC_BYTES);
	refused(b, n, AOE_REFUSAL_SENDER);
}

static void versions_and_commands(void **state)
{
	struct aoe_request request;
	uint8_t b[AOE_FRAME_MIN];
	size_t n = frame(b, AOE_COMMAND_CONFIG, 36);

	for (unsigned version = 0; version < 16; version++) {
		b[AOE_AT_FLAGS] = (uint8_t)(version << 4);
		assert_int_equal(get(b, n, &request), version == 1 ? 0 : AOE_REFUSAL_VERSION);
	}
	b[AOE_AT_FLAGS] = 0x10;
	for (unsigned command = 4; command < 256; command++) {
		b[AOE_AT_COMMAND] = (uint8_t)command;
		refused(b, n, AOE_REFUSAL_COMMAND);
	}
	/* A version that is unknown comes first: its command may mean anything. */
	b[AOE_AT_FLAGS] = 0x20;
	refused(b, n, AOE_REFUSAL_VERSION);
}

static void addresses(void **state)
{
	static const struct {
		uint16_t shelf;
		uint8_t slot;
		enum aoe_address want;
	} cases[] = {
		{ SHELF, SLOT, AOE_ADDRESS_ONE },     { SHELF, 0xff, AOE_ADDRESS_ALL },
		{ 0xffff, SLOT, AOE_ADDRESS_ALL },    { 0xffff, 0xff, AOE_ADDRESS_ALL },
		{ SHELF, SLOT + 1, AOE_ADDRESS_NOT }, { SHELF ^ 0x100, SLOT, AOE_ADDRESS_NOT },
		{ SHELF ^ 1, SLOT, AOE_ADDRESS_NOT }, { 0xffff, SLOT + 1, AOE_ADDRESS_NOT },
		{ SHELF ^ 1, 0xff, AOE_ADDRESS_NOT }, { 0xfffe, 0xff, AOE_ADDRESS_NOT },
		{ 0x00ff, SLOT, AOE_ADDRESS_NOT },    { 0, 0, AOE_ADDRESS_NOT },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aoe_head head = { .dst = AOE_MAC_BROADCAST,
					 .shelf = cases[i].shelf,
					 .slot = cases[i].slot };

		assert_int_equal(aoe_pdu_address(&head, &target), cases[i].want);
	}
}

static void argument_short(void **state)
{
	static const uint8_t bytes[] = { 12, 8, 4, 2 };

	for (uint8_t command = 0; command < 4; command++) {
		struct aoe_request request;
		uint8_t b[AOE_FRAME_MIN];
		size_t n = frame(b, command, bytes[command]);

		for (size_t cut = AOE_HEAD_BYTES; cut < n; cut++)
			refused(b, cut, AOE_REFUSAL_ARGUMENT);
		assert_int_equal(get(b, n, &request), AOE_REFUSAL_NONE);
	}
}

/* ---- 3.1 -------------------------------------------------------------------- */

static void ata_fields(void **state)
{
	struct aoe_request request;
	uint8_t b[AOE_FRAME_MIN];
	size_t n = frame(b, AOE_COMMAND_ATA, 36);

	b[24] = 0xff ^ AOE_ATA_WRITE;
	b[25] = 0x11;
	b[26] = 0x22;
	b[27] = 0x33;
	for (uint8_t i = 0; i < 6; i++)
		b[28 + i] = (uint8_t)(0x40 + i);
	assert_int_equal(get(b, n, &request), AOE_REFUSAL_NONE);
	assert_int_equal(request.ata.flags, AOE_ATA_EXTENDED | AOE_ATA_DEVICE | AOE_ATA_ASYNC);
	assert_int_equal(request.ata.feature, 0x11);
	assert_int_equal(request.ata.count, 0x22);
	assert_int_equal(request.ata.command, 0x33);
	assert_int_equal(request.ata.lba, 0x454443424140);
	assert_int_equal(request.ata.data_bytes, 24);
}

static void ata_data(void **state)
{
	static uint8_t b[AOE_AT_ATA_DATA + 3 * 512 + 8];

	for (uint8_t count = 0; count < 4; count++) {
		size_t want = AOE_AT_ATA_DATA + count * 512u;

		frame(b, AOE_COMMAND_ATA, sizeof(b) - AOE_HEAD_BYTES);
		b[24] = AOE_ATA_WRITE;
		b[26] = count;
		for (size_t n = AOE_AT_ATA_DATA; n < sizeof(b); n++) {
			struct aoe_request request;

			if (n < want) {
				refused(b, n, AOE_REFUSAL_ATA_DATA);
				continue;
			}
			assert_int_equal(get(b, n, &request), AOE_REFUSAL_NONE);
			assert_int_equal(request.ata.data_bytes, n - AOE_AT_ATA_DATA);
		}
	}
	/* Without the flag the count asks for data, and brings none. */
	b[24] = 0;
	b[26] = 255;
	assert_int_equal(get(b, AOE_AT_ATA_DATA, &(struct aoe_request){ 0 }), AOE_REFUSAL_NONE);
}

static void ata_to_all(void **state)
{
	uint8_t b[AOE_FRAME_MIN];
	size_t n = frame(b, AOE_COMMAND_ATA, 36);

	b[27] = AOE_ATA_IDENTIFY;
	b[AOE_AT_SLOT] = 0xff;
	refused(b, n, AOE_REFUSAL_ATA_TO_ALL);
	b[AOE_AT_SLOT] = SLOT;
	be16_put(b + AOE_AT_SHELF, 0xffff);
	refused(b, n, AOE_REFUSAL_ATA_TO_ALL);
	/* A boot loader: the broadcast address, and one target. */
	be16_put(b + AOE_AT_SHELF, SHELF);
	memset(b, 0xff, 6);
	assert_int_equal(get(b, n, &(struct aoe_request){ 0 }), AOE_REFUSAL_NONE);
}

/* ---- 3.2 -------------------------------------------------------------------- */

static void config_commands(void **state)
{
	uint8_t b[AOE_FRAME_MIN];
	size_t n = frame(b, AOE_COMMAND_CONFIG, 36);

	memset(b + 24, 0xee, 5); /* what a server fills means nothing here */
	be16_put(b + AOE_AT_CONFIG_LENGTH, 3);
	for (unsigned v = 0; v < 256; v++) {
		struct aoe_request request;

		b[29] = (uint8_t)v;
		if ((v & 0xf) > 4) {
			refused(b, n, AOE_REFUSAL_CONFIG_COMMAND);
			continue;
		}
		assert_int_equal(get(b, n, &request), AOE_REFUSAL_NONE);
		assert_int_equal(request.config.command, v & 0xf);
		assert_int_equal(request.config.string_bytes, v & 0xf ? 3 : 0);
	}
}

static void config_lengths(void **state)
{
	static uint8_t b[AOE_AT_CONFIG_STRING + AOE_CONFIG_MAX + 8];
	static const uint16_t lengths[] = { 0, 1, 28, 29, 1023, 1024 };
	struct aoe_request request;

	frame(b, AOE_COMMAND_CONFIG, sizeof(b) - AOE_HEAD_BYTES);
	for (uint8_t command = AOE_CONFIG_TEST; command <= AOE_CONFIG_FORCE; command++) {
		b[29] = command;
		for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
			be16_put(b + AOE_AT_CONFIG_LENGTH, lengths[i]);
			for (size_t n = AOE_AT_CONFIG_STRING; n < sizeof(b); n++) {
				if (n < AOE_AT_CONFIG_STRING + (size_t)lengths[i]) {
					refused(b, n, AOE_REFUSAL_CONFIG_CUT);
					continue;
				}
				assert_int_equal(get(b, n, &request), AOE_REFUSAL_NONE);
				assert_int_equal(request.config.string_bytes, lengths[i]);
			}
		}
		be16_put(b + AOE_AT_CONFIG_LENGTH, AOE_CONFIG_MAX + 1);
		refused(b, sizeof(b), AOE_REFUSAL_CONFIG_LONG);
		be16_put(b + AOE_AT_CONFIG_LENGTH, 0xffff);
		refused(b, sizeof(b), AOE_REFUSAL_CONFIG_LONG);
	}
	b[29] = AOE_CONFIG_READ; /* reads whatever length it carries */
	assert_int_equal(get(b, AOE_AT_CONFIG_STRING, &request), AOE_REFUSAL_NONE);
	assert_int_equal(request.config.string_bytes, 0);
}

/* ---- 3.3 -------------------------------------------------------------------- */

static void mask_commands(void **state)
{
	uint8_t b[AOE_FRAME_MIN];
	size_t n = frame(b, AOE_COMMAND_MASK, 36);

	for (unsigned v = 2; v < 256; v++) {
		b[25] = (uint8_t)v;
		refused(b, n, AOE_REFUSAL_MASK_COMMAND);
	}
}

static void mask_lengths(void **state)
{
	static uint8_t b[AOE_AT_MASK_LIST + 255 * 8 + 8];
	static const uint8_t counts[] = { 0, 1, 4, 5, 254, 255 };
	struct aoe_request request;

	frame(b, AOE_COMMAND_MASK, sizeof(b) - AOE_HEAD_BYTES);
	for (size_t i = 0; i < sizeof(counts); i++) {
		b[25] = AOE_MASK_EDIT;
		b[27] = counts[i];
		for (size_t n = AOE_AT_MASK_LIST; n < sizeof(b); n++) {
			if (n < AOE_AT_MASK_LIST + counts[i] * 8u) {
				refused(b, n, AOE_REFUSAL_MASK_CUT);
				continue;
			}
			assert_int_equal(get(b, n, &request), AOE_REFUSAL_NONE);
			assert_int_equal(request.mask.count, counts[i]);
		}
		b[25] = AOE_MASK_READ;
		assert_int_equal(get(b, AOE_AT_MASK_LIST, &request), AOE_REFUSAL_NONE);
		assert_int_equal(request.mask.count, 0);
	}
}

static void mask_directives(void **state)
{
	struct aoe_request request;
	struct aoe_directive one;
	uint8_t b[AOE_AT_MASK_LIST + 2 * 8];

	frame(b, AOE_COMMAND_MASK, sizeof(b) - AOE_HEAD_BYTES);
	b[25] = AOE_MASK_EDIT;
	b[27] = 2;
	for (uint8_t i = 0; i < 16; i++)
		b[AOE_AT_MASK_LIST + i] = (uint8_t)(0x10 + i);
	assert_int_equal(get(b, sizeof(b), &request), AOE_REFUSAL_NONE);
	one = aoe_pdu_directive_get(&request.mask, 1);
	assert_int_equal(one.command, 0x19);
	assert_memory_equal(one.mac.at, b + AOE_AT_MASK_LIST + 10, 6);
}

/* ---- 3.4 -------------------------------------------------------------------- */

static void reserve_commands(void **state)
{
	uint8_t b[AOE_FRAME_MIN];
	size_t n = frame(b, AOE_COMMAND_RESERVE, 36);

	for (unsigned v = 3; v < 256; v++) {
		b[24] = (uint8_t)v;
		refused(b, n, AOE_REFUSAL_RESERVE_COMMAND);
	}
}

static void reserve_lengths(void **state)
{
	static uint8_t b[AOE_AT_RESERVE_LIST + 255 * 6 + 6];
	struct aoe_request request;

	frame(b, AOE_COMMAND_RESERVE, sizeof(b) - AOE_HEAD_BYTES);
	for (unsigned count = 0; count < 256; count++) {
		size_t want = AOE_AT_RESERVE_LIST + count * 6;

		b[25] = (uint8_t)count;
		b[24] = AOE_RESERVE_READ;
		assert_int_equal(get(b, AOE_AT_RESERVE_LIST, &request), AOE_REFUSAL_NONE);
		assert_int_equal(request.reserve.count, 0);
		for (b[24] = AOE_RESERVE_SET; b[24] <= AOE_RESERVE_FORCE; b[24]++) {
			if (count > AOE_RESERVE_MAX) {
				refused(b, sizeof(b), AOE_REFUSAL_RESERVE_LONG);
				continue;
			}
			for (size_t cut = 1; count && cut <= 6; cut++)
				refused(b, want - cut, AOE_REFUSAL_RESERVE_CUT);
			assert_int_equal(get(b, want, &request), AOE_REFUSAL_NONE);
			assert_int_equal(request.reserve.count, count);
		}
	}
}

/* ---- replies ---------------------------------------------------------------- */

static void assert_bytes(const uint8_t *got, size_t n, const char *hex)
{
	char text[256];

	assert_true(n * 2 < sizeof(text));
	for (size_t i = 0; i < n; i++)
		snprintf(text + i * 2, 3, "%02x", got[i]);
	assert_string_equal(text, hex);
}

static void assert_zero(const uint8_t *b, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		assert_int_equal(b[i], 0);
}

static struct aoe_reply reply_to(uint8_t command, enum aoe_error error)
{
	struct aoe_head head = {
		.src = client, .command = command, .shelf = 0xffff, .slot = 0xff, .tag = TAG
	};

	return aoe_pdu_reply(&head, &target, error);
}

#define HEAD           \
	"020000000020" \
	"020000000010" \
	"88a2"

static void bare(void **state)
{
	struct aoe_reply reply = reply_to(0xf0, AOE_ERROR_BAD_COMMAND);
	uint8_t b[AOE_FRAME_MIN];

	memset(b, 0xee, sizeof(b));
	assert_int_equal(aoe_pdu_bare_put(b, AOE_FRAME_MIN - 1, &reply), 0);
	assert_int_equal(b[0], 0xee);
	assert_int_equal(aoe_pdu_bare_put(b, sizeof(b), &reply), AOE_FRAME_MIN);
	assert_bytes(b, 24,
		     HEAD "1c01"
			  "0102"
			  "03"
			  "f0"
			  "a1b2c3d4");
	assert_zero(b, 24, sizeof(b));
}

static void ata_reply(void **state)
{
	struct aoe_reply reply = reply_to(AOE_COMMAND_ATA, AOE_ERROR_NONE);
	struct aoe_ata_reply ata = { 0xff, 0x04, 0x02, 0x51, 0xffff060504030201 };
	uint8_t b[AOE_FRAME_MIN];

	memset(b, 0xee, sizeof(b));
	assert_int_equal(aoe_pdu_ata_put(b, &reply, &ata, false), AOE_FRAME_MIN);
	assert_bytes(b, 36,
		     HEAD "1800"
			  "0102"
			  "03"
			  "00"
			  "a1b2c3d4"
			  "53"
			  "04"
			  "02"
			  "51"
			  "010203040506"
			  "0000");
	assert_zero(b, 36, sizeof(b));
	assert_int_equal(aoe_pdu_ata_put(b, &reply, &ata, true), AOE_AT_ATA_DATA);
}

static void config_reply(void **state)
{
	struct aoe_reply reply = reply_to(AOE_COMMAND_CONFIG, AOE_ERROR_CONFIG_PRESENT);
	struct aoe_offer offer = { 0x0102, 0x0304, 0x05 };
	static uint8_t string[AOE_CONFIG_MAX], b[AOE_FRAME_STANDARD];
	struct aoe_config_reply config = { AOE_CONFIG_SET, string, 3 };

	memset(string, 'c', sizeof(string));
	memset(b, 0xee, sizeof(b));
	assert_int_equal(aoe_pdu_config_put(b, sizeof(b), &reply, &offer, &config), AOE_FRAME_MIN);
	assert_bytes(b, 35,
		     HEAD "1c04"
			  "0102"
			  "03"
			  "01"
			  "a1b2c3d4"
			  "0102"
			  "0304"
			  "05"
			  "13"
			  "0003"
			  "636363");
	assert_zero(b, 35, AOE_FRAME_MIN);
	assert_int_equal(b[AOE_FRAME_MIN], 0xee);
	for (uint16_t n = 0; n <= AOE_CONFIG_MAX; n++) {
		size_t want = n < 28 ? 60 : 32u + n;

		config.string_bytes = n;
		assert_int_equal(aoe_pdu_config_put(b, want - 1, &reply, &offer, &config), 0);
		assert_int_equal(aoe_pdu_config_put(b, want, &reply, &offer, &config), want);
	}
}

static void mask_reply(void **state)
{
	struct aoe_reply reply = reply_to(AOE_COMMAND_MASK, AOE_ERROR_NONE);
	static struct aoe_mac list[AOE_MASK_MAX];
	static uint8_t b[AOE_FRAME_STANDARD];
	struct aoe_mask_reply mask = {
		.command = AOE_MASK_EDIT, .done = 7, .list = list, .list_count = 1
	};

	list[0] = client;
	memset(b, 0xee, sizeof(b));
	assert_int_equal(aoe_pdu_mask_put(b, sizeof(b), &reply, &mask), AOE_FRAME_MIN);
	assert_bytes(b, 36,
		     HEAD "1800"
			  "0102"
			  "03"
			  "02"
			  "a1b2c3d4"
			  "00"
			  "01"
			  "00"
			  "01"
			  "0000"
			  "020000000020");
	assert_zero(b, 36, AOE_FRAME_MIN);
	mask.error = AOE_MASK_BAD_DIRECTIVE; /* none of the list */
	mask.done = 1;
	assert_int_equal(aoe_pdu_mask_put(b, sizeof(b), &reply, &mask), AOE_FRAME_MIN);
	assert_bytes(b + 24, 4,
		     "00"
		     "01"
		     "02"
		     "01");
	assert_zero(b, 28, AOE_FRAME_MIN);
	mask.error = 0;
	for (unsigned n = 0; n <= AOE_MASK_MAX; n++) {
		size_t want = n < 4 ? 60 : 28 + n * 8;

		mask.list_count = (uint8_t)n;
		assert_int_equal(aoe_pdu_mask_put(b, want - 1, &reply, &mask), 0);
		assert_int_equal(aoe_pdu_mask_put(b, want, &reply, &mask), want);
	}
}

static void reserve_reply(void **state)
{
	struct aoe_reply reply = reply_to(AOE_COMMAND_RESERVE, AOE_ERROR_RESERVED);
	static struct aoe_mac list[AOE_RESERVE_MAX];
	static uint8_t b[AOE_FRAME_STANDARD];
	struct aoe_reserve_reply reserve = { AOE_RESERVE_SET, list, 1 };

	list[0] = client;
	memset(b, 0xee, sizeof(b));
	assert_int_equal(aoe_pdu_reserve_put(b, sizeof(b), &reply, &reserve), AOE_FRAME_MIN);
	assert_bytes(b, 32,
		     HEAD "1c06"
			  "0102"
			  "03"
			  "03"
			  "a1b2c3d4"
			  "01"
			  "01"
			  "020000000020");
	assert_zero(b, 32, AOE_FRAME_MIN);
	for (unsigned n = 0; n <= AOE_RESERVE_MAX; n++) {
		size_t want = n < 6 ? 60 : 26 + n * 6;

		reserve.list_count = (uint8_t)n;
		assert_int_equal(aoe_pdu_reserve_put(b, want - 1, &reply, &reserve), 0);
		assert_int_equal(aoe_pdu_reserve_put(b, want, &reply, &reserve), want);
	}
}

/* The longest lists just fit the usual frame. */
static void bounds(void **state)
{
	assert_int_equal(AOE_MASK_MAX, 185);
	assert_int_equal(AOE_RESERVE_MAX, 248);
	assert_true(AOE_AT_CONFIG_STRING + AOE_CONFIG_MAX <= AOE_FRAME_STANDARD);
}

/* ---- tables ----------------------------------------------------------------- */

static void names(void **state)
{
	assert_string_equal(aoe_pdu_command_words(0), "Issue ATA Command");
	assert_string_equal(aoe_pdu_command_words(3), "Reserve/Release");
	assert_string_equal(aoe_pdu_command_words(4), "?");
	assert_string_equal(aoe_pdu_command_words(UINT32_MAX), "?");
	assert_string_equal(aoe_pdu_error_words(0), "?");
	assert_string_equal(aoe_pdu_error_words(1), "unrecognized command code");
	assert_string_equal(aoe_pdu_error_words(6), "target is reserved");
	assert_string_equal(aoe_pdu_error_words(7), "?");
}

static void refusals(void **state)
{
	assert_null(aoe_pdu_refusal(AOE_REFUSAL_NONE));
	assert_null(aoe_pdu_refusal(AOE_REFUSAL_COUNT));
	assert_null(aoe_pdu_refusal((enum aoe_refusal) - 1));
	for (unsigned i = 1; i < AOE_REFUSAL_COUNT; i++) {
		const struct aoe_refusal_row *row = aoe_pdu_refusal((enum aoe_refusal)i);

		assert_non_null(row);
		assert_int_equal(row->error == AOE_ERROR_NONE, i <= AOE_REFUSAL_SENDER);
	}
	assert_int_equal(aoe_pdu_refusal(AOE_REFUSAL_VERSION)->error, 5);
	assert_int_equal(aoe_pdu_refusal(AOE_REFUSAL_COMMAND)->error, 1);
	assert_int_equal(aoe_pdu_refusal(AOE_REFUSAL_CONFIG_CUT)->error, 2);
}

HARNESS_MAIN(cmocka_unit_test(head_fields), cmocka_unit_test(head_short),
	     cmocka_unit_test(head_no_request), cmocka_unit_test(versions_and_commands),
	     cmocka_unit_test(addresses), cmocka_unit_test(argument_short),
	     cmocka_unit_test(ata_fields), cmocka_unit_test(ata_data), cmocka_unit_test(ata_to_all),
	     cmocka_unit_test(config_commands), cmocka_unit_test(config_lengths),
	     cmocka_unit_test(mask_commands), cmocka_unit_test(mask_lengths),
	     cmocka_unit_test(mask_directives), cmocka_unit_test(reserve_commands),
	     cmocka_unit_test(reserve_lengths), cmocka_unit_test(bare), cmocka_unit_test(ata_reply),
	     cmocka_unit_test(config_reply), cmocka_unit_test(mask_reply),
	     cmocka_unit_test(reserve_reply), cmocka_unit_test(bounds), cmocka_unit_test(names),
	     cmocka_unit_test(refusals))
