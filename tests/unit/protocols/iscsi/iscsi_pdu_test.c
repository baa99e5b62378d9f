/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_pdu_test.c - every header, every field, every opcode, every additional
 * header of every length.
 *
 * What is received stands at the end of memory of exactly its size, so that a
 * byte read too far is seen by the sanitizer.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_pdu.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "tests/harness/harness.h"

#define MAX 8192u

/* A header whose every byte is its own place, but for what decides. */
static uint8_t *head(uint8_t opcode, uint8_t flags)
{
	uint8_t *b = malloc(48);

	assert_non_null(b);
	for (unsigned i = 0; i < 48; i++)
		b[i] = (uint8_t)(0xa0 + i);
	b[0] = opcode;
	b[1] = flags;
	memset(b + 4, 0, 4);
	return b;
}

static void assert_fault(const uint8_t *bhs, uint32_t max, enum iscsi_fault want)
{
	struct iscsi_pdu pdu, before;

	memset(&pdu, 0x5a, sizeof(pdu));
	before = pdu;
	assert_int_equal(iscsi_pdu_get(bhs, max, &pdu), want);
	if (want != ISCSI_FAULT_NONE)
		assert_memory_equal(&pdu, &before, sizeof(pdu));
}

static void assert_put(const uint8_t *got, const char *hex)
{
	char text[97];

	for (size_t i = 0; i < 48; i++)
		snprintf(text + i * 2, 3, "%02x", got[i]);
	assert_string_equal(text, hex);
}

/* ---- the tables ----------------------------------------------------------- */

static void every_opcode_number(void **state)
{
	static const uint8_t initiators[] = { 0, 1, 2, 3, 4, 5, 6, 0x10 };
	static const uint8_t targets[] = { 0x20, 0x21, 0x22, 0x23, 0x24,
					   0x25, 0x26, 0x31, 0x32, 0x3f };

	for (unsigned n = 0; n < 64; n++) {
		uint8_t *b = head((uint8_t)n, 0x80);
		enum iscsi_fault want = ISCSI_FAULT_OPCODE;

		if (memchr(initiators, (int)n, sizeof(initiators)))
			want = ISCSI_FAULT_NONE;
		else if (memchr(targets, (int)n, sizeof(targets)))
			want = ISCSI_FAULT_TARGET_OPCODE;
		if (n == ISCSI_OP_SNACK)
			b[1] = 0x83;
		else if (n == ISCSI_OP_SCSI_COMMAND)
			b[1] = 0xa0;
		assert_fault(b, MAX, want);
		b[0] |= 0x80; /* reserved: ignored */
		assert_fault(b, MAX, want);
		assert_int_equal(!!iscsi_pdu_opcode(n), want != ISCSI_FAULT_OPCODE);
		assert_int_equal(strcmp(iscsi_pdu_opcode_name(n), "?") == 0,
				 want == ISCSI_FAULT_OPCODE);
		free(b);
	}
	assert_null(iscsi_pdu_opcode(64));
	assert_null(iscsi_pdu_opcode(UINT32_MAX));
	assert_string_equal(iscsi_pdu_opcode_name(64), "?");
	assert_string_equal(iscsi_pdu_opcode_name(0x25), "DATA_IN");
}

static void every_fault_has_a_row(void **state)
{
	for (unsigned i = ISCSI_FAULT_NONE + 1; i < ISCSI_FAULT_COUNT; i++) {
		const struct iscsi_fault_row *row = iscsi_pdu_fault((enum iscsi_fault)i);

		assert_non_null(row);
		assert_true(row->words[0] && row->clause[0]);
		assert_string_not_equal(iscsi_pdu_reject_words(row->reason), "?");
	}
	assert_null(iscsi_pdu_fault(ISCSI_FAULT_NONE));
	assert_null(iscsi_pdu_fault(ISCSI_FAULT_COUNT));
}

/* 11.17.1 and 11.13.5, number by number. */
static void refusals(void **state)
{
	static const uint16_t statuses[] = { 0x0000, 0x0101, 0x0102, 0x0200, 0x0201, 0x0202,
					     0x0203, 0x0204, 0x0205, 0x0206, 0x0207, 0x0208,
					     0x0209, 0x020a, 0x020b, 0x0300, 0x0301, 0x0302 };
	unsigned n = 0;

	for (unsigned i = 0; i < 256; i++) {
		bool known = i >= 2 && i <= 0x0c && i != 0x0b;

		assert_int_equal(strcmp(iscsi_pdu_reject_words((enum iscsi_reject)i), "?") != 0,
				 known);
	}
	for (unsigned i = 0; i < 65536; i++)
		if (strcmp(iscsi_pdu_login_words((enum iscsi_login_status)i), "?") != 0)
			assert_int_equal(i, statuses[n++]);
	assert_int_equal(n, TABLE_LEN(statuses));
}

/* ---- what every opcode allows --------------------------------------------- */

static void allowed_segments(void **state)
{
	for (unsigned n = 0; n < 64; n++) {
		const struct iscsi_opcode_row *row = iscsi_pdu_opcode(n);
		uint8_t *b;

		if (!row || row->from_target)
			continue;
		b = head((uint8_t)n, n == ISCSI_OP_SNACK ? 0x83 : 0xa0);
		if (n == ISCSI_OP_TEXT || n == ISCSI_OP_LOGOUT)
			b[1] = 0x80;
		b[4] = 1;
		assert_fault(b, MAX,
			     n == ISCSI_OP_SCSI_COMMAND ? ISCSI_FAULT_NONE
							: ISCSI_FAULT_AHS_NOT_ALLOWED);
		b[4] = 0;
		be24_put(b + 5, 1);
		assert_fault(b, MAX, row->data ? ISCSI_FAULT_NONE : ISCSI_FAULT_DATA_NOT_ALLOWED);
		assert_int_equal(row->data, n == ISCSI_OP_NOP_OUT || n == ISCSI_OP_SCSI_COMMAND ||
						    n == ISCSI_OP_LOGIN || n == ISCSI_OP_TEXT ||
						    n == ISCSI_OP_DATA_OUT);
		free(b);
	}
}

static void data_length_edges(void **state)
{
	static const uint32_t maxima[] = { 0, 512, 8192, 262144, 0xffffff };

	for (unsigned i = 0; i < TABLE_LEN(maxima); i++) {
		uint8_t *b = head(ISCSI_OP_DATA_OUT, 0x80);

		be24_put(b + 5, maxima[i]);
		assert_fault(b, maxima[i], ISCSI_FAULT_NONE);
		if (maxima[i] < 0xffffff) {
			be24_put(b + 5, maxima[i] + 1);
			assert_fault(b, maxima[i], ISCSI_FAULT_DATA_TOO_LONG);
			be24_put(b + 5, 0xffffff);
			assert_fault(b, maxima[i], ISCSI_FAULT_DATA_TOO_LONG);
		}
		free(b);
	}
}

static void immediate_bit(void **state)
{
	for (unsigned n = 0; n <= 0x10; n++) {
		struct iscsi_pdu pdu;
		uint8_t *b;

		if (!iscsi_pdu_opcode(n))
			continue;
		b = head((uint8_t)n, n == ISCSI_OP_SNACK ? 0x83 : 0x80);
		be32_put(b + 20, 1);
		if (n == ISCSI_OP_SCSI_COMMAND)
			b[1] = 0xa0;
		assert_int_equal(iscsi_pdu_get(b, MAX, &pdu), ISCSI_FAULT_NONE);
		assert_int_equal(pdu.immediate, n == ISCSI_OP_LOGIN);
		b[0] |= 0x40;
		assert_int_equal(iscsi_pdu_get(b, MAX, &pdu), ISCSI_FAULT_NONE);
		assert_int_equal(pdu.opcode, n);
		assert_int_equal(pdu.immediate, n != ISCSI_OP_DATA_OUT && n != ISCSI_OP_SNACK);
		free(b);
	}
}

/* 11.2.1.8: only NOP-Out and some SNACKs may have the reserved tag. */
static void reserved_task_tag(void **state)
{
	for (unsigned n = 0; n <= 6; n++) {
		uint8_t *b = head((uint8_t)n, 0x80);

		be32_put(b + 16, ISCSI_NO_TAG);
		assert_fault(b, MAX, n ? ISCSI_FAULT_NO_TASK_TAG : ISCSI_FAULT_NOT_IMMEDIATE);
		b[0] |= 0x40;
		assert_fault(b, MAX, n ? ISCSI_FAULT_NO_TASK_TAG : ISCSI_FAULT_NONE);
		free(b);
	}
}

/* ---- what an initiator sends, field by field ------------------------------ */

static void assert_common(const struct iscsi_pdu *pdu, bool numbered)
{
	assert_int_equal(pdu->itt, 0xb0b1b2b3);
	assert_int_equal(pdu->exp_statsn, 0xbcbdbebf);
	assert_int_equal(pdu->cmdsn, numbered ? 0xb8b9babb : 0);
}

static void scsi_command(void **state)
{
	uint8_t *b = head(0x41, 0xe3);
	struct iscsi_pdu pdu;

	b[2] = 0x95;
	b[4] = 255;
	be24_put(b + 5, 0x1234);
	assert_int_equal(iscsi_pdu_get(b, MAX, &pdu), ISCSI_FAULT_NONE);
	assert_int_equal(pdu.opcode, ISCSI_OP_SCSI_COMMAND);
	assert_true(pdu.immediate && pdu.final && pdu.scsi.read && pdu.scsi.write);
	assert_int_equal(pdu.scsi.attr, ISCSI_ATTR_HEAD_OF_QUEUE);
	assert_int_equal(pdu.scsi.priority, 9);
	assert_int_equal(pdu.ahs_bytes, 1020);
	assert_int_equal(pdu.data_bytes, 0x1234);
	assert_true(pdu.lun == 0xa8a9aaabacadaeaf);
	assert_common(&pdu, true);
	assert_int_equal(pdu.scsi.expected_bytes, 0xb4b5b6b7);
	assert_ptr_equal(pdu.scsi.cdb, b + 32);
	free(b);
}

/* All 256 values of byte 1, with and without expected data. */
static void scsi_command_flags(void **state)
{
	for (unsigned f = 0; f < 256; f++)
		for (unsigned expected = 0; expected < 2; expected++) {
			uint8_t *b = head(0x01, (uint8_t)f);
			enum iscsi_fault want = ISCSI_FAULT_NONE;

			be32_put(b + 20, expected);
			if (!(f & 0xa0))
				want = ISCSI_FAULT_NOT_FINAL;
			else if ((f & 7) > 4)
				want = ISCSI_FAULT_ATTRIBUTE;
			else if (expected && !(f & 0x60))
				want = ISCSI_FAULT_DIRECTION;
			assert_fault(b, MAX, want);
			be24_put(b + 5, 4);
			if (want == ISCSI_FAULT_NONE && !(f & 0x20))
				want = ISCSI_FAULT_DATA_NOT_ALLOWED;
			assert_fault(b, MAX, want);
			free(b);
		}
}

static void data_out(void **state)
{
	uint8_t *b = head(0x05, 0x00);
	struct iscsi_pdu pdu;

	be24_put(b + 5, 512);
	assert_int_equal(iscsi_pdu_get(b, MAX, &pdu), ISCSI_FAULT_NONE);
	assert_false(pdu.final);
	assert_common(&pdu, false);
	assert_true(pdu.lun == 0xa8a9aaabacadaeaf);
	assert_int_equal(pdu.dout.ttt, 0xb4b5b6b7);
	assert_int_equal(pdu.dout.datasn, 0xc4c5c6c7);
	assert_int_equal(pdu.dout.offset, 0xc8c9cacb);
	b[1] = 0x80;
	assert_int_equal(iscsi_pdu_get(b, MAX, &pdu), ISCSI_FAULT_NONE);
	assert_true(pdu.final);
	free(b);
}

static void tmf_request(void **state)
{
	for (unsigned f = 0; f < 128; f++) {
		uint8_t *b = head(0x42, (uint8_t)(0x80 | f));
		struct iscsi_pdu pdu;

		assert_int_equal(iscsi_pdu_get(b, MAX, &pdu), ISCSI_FAULT_NONE);
		assert_common(&pdu, true);
		assert_int_equal(pdu.tmf.function, f);
		assert_int_equal(pdu.tmf.ref_itt, 0xb4b5b6b7);
		assert_int_equal(pdu.tmf.ref_cmdsn, 0xc0c1c2c3);
		assert_int_equal(pdu.tmf.exp_datasn, 0xc4c5c6c7);
		free(b);
	}
}

static void login_request(void **state)
{
	for (unsigned f = 0; f < 256; f++) {
		uint8_t *b = head(0x43, (uint8_t)f);
		struct iscsi_pdu pdu;

		assert_int_equal(iscsi_pdu_get(b, MAX, &pdu), ISCSI_FAULT_NONE);
		assert_common(&pdu, true);
		assert_true(!pdu.lun && pdu.immediate);
		assert_int_equal(pdu.login.transit, f >> 7);
		assert_int_equal(pdu.login.more, f >> 6 & 1);
		assert_int_equal(pdu.login.csg, f >> 2 & 3);
		assert_int_equal(pdu.login.nsg, f & 0x80 ? f & 3 : 0);
		assert_int_equal(pdu.login.version_max, 0xa2);
		assert_int_equal(pdu.login.version_min, 0xa3);
		assert_memory_equal(pdu.login.isid, "\xa8\xa9\xaa\xab\xac\xad", 6);
		assert_int_equal(pdu.login.tsih, 0xaeaf);
		assert_int_equal(pdu.login.cid, 0xb4b5);
		free(b);
	}
}

static void text_request(void **state)
{
	for (unsigned f = 0; f < 4; f++) {
		uint8_t *b = head(0x04, (uint8_t)(f << 6));
		struct iscsi_pdu pdu;

		if (f == 3) {
			assert_fault(b, MAX, ISCSI_FAULT_CONTINUE);
		} else {
			assert_int_equal(iscsi_pdu_get(b, MAX, &pdu), ISCSI_FAULT_NONE);
			assert_common(&pdu, true);
			assert_int_equal(pdu.final, f >> 1);
			assert_int_equal(pdu.text.more, f & 1);
			assert_int_equal(pdu.text.ttt, 0xb4b5b6b7);
		}
		free(b);
	}
}

static void logout_request(void **state)
{
	for (unsigned reason = 0; reason < 128; reason++) {
		uint8_t *b = head(0x46, (uint8_t)(0x80 | reason));
		struct iscsi_pdu pdu;

		if (reason > 2) {
			assert_fault(b, MAX, ISCSI_FAULT_REASON);
		} else {
			assert_int_equal(iscsi_pdu_get(b, MAX, &pdu), ISCSI_FAULT_NONE);
			assert_common(&pdu, true);
			assert_int_equal(pdu.logout.reason, reason);
			assert_int_equal(pdu.logout.cid, 0xb4b5);
		}
		free(b);
	}
}

static void snack_request(void **state)
{
	for (unsigned type = 0; type < 16; type++)
		for (unsigned tagged = 0; tagged < 2; tagged++) {
			bool of_task = type == ISCSI_SNACK_DATA_R2T || type == ISCSI_SNACK_R_DATA;
			uint8_t *b = head(0x10, (uint8_t)(0x80 | type));
			struct iscsi_pdu pdu;

			if (!tagged)
				be32_put(b + 16, ISCSI_NO_TAG);
			if (type > 3) {
				assert_fault(b, MAX, ISCSI_FAULT_SNACK_TYPE);
			} else if (of_task != tagged) {
				assert_fault(b, MAX, ISCSI_FAULT_SNACK_TAG);
			} else {
				assert_int_equal(iscsi_pdu_get(b, MAX, &pdu), ISCSI_FAULT_NONE);
				assert_int_equal(pdu.cmdsn, 0);
				assert_int_equal(pdu.exp_statsn, 0xbcbdbebf);
				assert_int_equal(pdu.snack.type, type);
				assert_int_equal(pdu.snack.tag, 0xb4b5b6b7);
				assert_int_equal(pdu.snack.beg_run, 0xc8c9cacb);
				assert_int_equal(pdu.snack.run_length, 0xcccdcecf);
			}
			free(b);
		}
}

static void snack_tag_of_r_data(void **state)
{
	static const uint32_t tags[] = { 0, ISCSI_NO_TAG };

	for (unsigned i = 0; i < TABLE_LEN(tags); i++) {
		uint8_t *b = head(0x10, 0x83);

		be32_put(b + 20, tags[i]);
		assert_fault(b, MAX, ISCSI_FAULT_SNACK_TAG);
		b[1] = 0x80; /* Data/R2T has a reserved one */
		assert_fault(b, MAX, ISCSI_FAULT_NONE);
		free(b);
	}
}

static void nop_out(void **state)
{
	uint8_t *b = head(0x40, 0x80);
	struct iscsi_pdu pdu;

	be24_put(b + 5, 99);
	assert_int_equal(iscsi_pdu_get(b, MAX, &pdu), ISCSI_FAULT_NONE);
	assert_common(&pdu, true);
	assert_int_equal(pdu.nop.ttt, 0xb4b5b6b7);
	assert_true(pdu.lun == 0xa8a9aaabacadaeaf && pdu.data_bytes == 99);
	free(b);
}

/* ---- additional headers --------------------------------------------------- */

static enum iscsi_fault ahs_get(const uint8_t *from, uint32_t bytes, struct iscsi_ahs *ahs)
{
	uint8_t *exact = malloc(bytes ? bytes : 1);
	enum iscsi_fault fault;

	assert_non_null(exact);
	memcpy(exact, from, bytes);
	fault = iscsi_pdu_ahs_get(exact, bytes, ahs);
	if (fault == ISCSI_FAULT_NONE && ahs->cdb) {
		assert_true(ahs->cdb >= exact && ahs->cdb + ahs->cdb_bytes <= exact + bytes);
		ahs->cdb = from + (ahs->cdb - exact);
	}
	free(exact);
	return fault;
}

static void no_ahs(void **state)
{
	struct iscsi_ahs ahs = { .cdb_bytes = 7 };

	assert_int_equal(iscsi_pdu_ahs_get(NULL, 0, &ahs), ISCSI_FAULT_NONE);
	assert_null(ahs.cdb);
	assert_false(ahs.bidi || ahs.cdb_bytes || ahs.bidi_bytes);
}

/* Every AHSLength against every TotalAHSLength. */
static void extended_cdb_of_every_length(void **state)
{
	static uint8_t b[ISCSI_AHS_MAX_BYTES];

	b[2] = ISCSI_AHS_EXTENDED_CDB | 0xc0; /* reserved bits: ignored */
	for (uint32_t words = 1; words <= 255; words++)
		for (uint32_t len = 0; len <= 1024; len++) {
			struct iscsi_ahs ahs = { .cdb_bytes = 4711 };
			uint32_t all = (3 + len + 3) / 4 * 4;
			enum iscsi_fault fault;

			be16_put(b, (uint16_t)len);
			fault = iscsi_pdu_ahs_get(b, words * 4, &ahs);
			if (all > words * 4) {
				assert_int_equal(fault, ISCSI_FAULT_AHS_OVERRUN);
			} else if (len < 2) {
				assert_int_equal(fault, ISCSI_FAULT_AHS_LENGTH);
			} else if (all < words * 4) {
				/* what follows is zeroes: reserved type 0 */
				assert_int_equal(fault, ISCSI_FAULT_AHS_TYPE);
			} else {
				assert_int_equal(fault, ISCSI_FAULT_NONE);
				assert_ptr_equal(ahs.cdb, b + 4);
				assert_int_equal(ahs.cdb_bytes, len - 1);
				continue;
			}
			assert_int_equal(ahs.cdb_bytes, 4711);
		}
}

static void ahs_at_the_end_of_memory(void **state)
{
	static uint8_t b[ISCSI_AHS_MAX_BYTES];

	for (uint32_t bytes = 0; bytes <= sizeof(b); bytes++)
		for (unsigned type = 0; type < 4; type++) {
			static const uint16_t lengths[] = { 0,	  1,	2,	4,	5,     6,
							    1017, 1018, 0xfffd, 0xfffe, 0xffff };

			for (unsigned i = 0; i < TABLE_LEN(lengths); i++) {
				struct iscsi_ahs ahs;

				be16_put(b, lengths[i]);
				b[2] = (uint8_t)type;
				ahs_get(b, bytes, &ahs);
			}
		}
}

static void bidirectional(void **state)
{
	uint8_t b[24] = { 0, 5, 2, 0, 0x12, 0x34, 0x56, 0x78, /* then 17 bytes of CDB */
			  0, 2, 1, 0, 0x99 };
	struct iscsi_ahs ahs;

	assert_int_equal(ahs_get(b, 8, &ahs), ISCSI_FAULT_NONE);
	assert_true(ahs.bidi && !ahs.cdb);
	assert_int_equal(ahs.bidi_bytes, 0x12345678);
	assert_int_equal(ahs_get(b, 16, &ahs), ISCSI_FAULT_NONE);
	assert_true(ahs.bidi && ahs.cdb == b + 12 && ahs.cdb_bytes == 1);
	memcpy(b + 8, b, 8);
	assert_int_equal(ahs_get(b, 16, &ahs), ISCSI_FAULT_AHS_TWICE);
	for (unsigned len = 0; len <= 13; len++) {
		be16_put(b, (uint16_t)len);
		if (len != 5)
			assert_int_equal(ahs_get(b, (len + 6) / 4 * 4, &ahs),
					 ISCSI_FAULT_AHS_LENGTH);
	}
}

static void two_extended_cdbs(void **state)
{
	static const uint8_t b[16] = { 0, 2, 1, 0, 1, 0, 0, 0, 0, 2, 1, 0, 1 };
	struct iscsi_ahs ahs;

	assert_int_equal(ahs_get(b, 8, &ahs), ISCSI_FAULT_NONE);
	assert_int_equal(ahs_get(b, 16, &ahs), ISCSI_FAULT_AHS_TWICE);
}

static void reserved_ahs_types(void **state)
{
	for (unsigned type = 0; type < 64; type++) {
		uint8_t b[8] = { 0, 5 };
		struct iscsi_ahs ahs;

		b[2] = (uint8_t)type;
		assert_int_equal(ahs_get(b, 8, &ahs),
				 type == 1 || type == 2 ? ISCSI_FAULT_NONE : ISCSI_FAULT_AHS_TYPE);
	}
}

/* ---- what a target sends -------------------------------------------------- */

#define SNS                                        \
	{                                          \
		0x31323334, 0x41424344, 0x51525354 \
	}
#define SNS_HEX "313233344142434451525354"
#define ITT 0x01020304
#define ITT_HEX "01020304"
#define TTT 0x11121314
#define TTT_HEX "11121314"
#define LUN 0x0001020304050607ull
#define LUN_HEX "0001020304050607"
#define ZERO4 "00000000"
#define ZERO8 "0000000000000000"

static void put_scsi_response(void **state)
{
	uint8_t b[48];
	struct iscsi_scsi_response p = { .itt = ITT,
					 .sns = SNS,
					 .flags = ISCSI_RSP_UNDERFLOW | ISCSI_RSP_BIDI_OVERFLOW,
					 .service = 1,
					 .status = 2,
					 .qualifier = 0x6162,
					 .snack_tag = 0x71727374,
					 .exp_datasn = 0x81828384,
					 .bidi_residual = 0x91929394,
					 .residual = 0xa1a2a3a4,
					 .data_bytes = 0xb1b2b3 };

	memset(b, 0xee, sizeof(b));
	iscsi_pdu_scsi_response_put(b, &p);
	assert_put(b, "21920102"
		      "00b1b2b3"
		      "6162000000000000" ITT_HEX "71727374" SNS_HEX "81828384"
		      "91929394"
		      "a1a2a3a4");
}

static void put_data_in(void **state)
{
	uint8_t b[48];
	struct iscsi_data_in p = { .final = true,
				   .flags = ISCSI_DIN_STATUS | ISCSI_RSP_UNDERFLOW,
				   .status = 4,
				   .itt = ITT,
				   .ttt = ISCSI_NO_TAG,
				   .sns = SNS,
				   .datasn = 7,
				   .offset = 0x1000,
				   .residual = 0x99,
				   .data_bytes = 512 };

	memset(b, 0xee, sizeof(b));
	iscsi_pdu_data_in_put(b, &p);
	assert_put(b, "25830004"
		      "00000200" ZERO8 ITT_HEX "ffffffff" SNS_HEX "00000007"
		      "00001000"
		      "00000099");
	/* Without S: no StatSN, status and residual. */
	p.final = false;
	p.flags = ISCSI_DIN_ACK;
	p.ttt = TTT;
	p.lun = LUN;
	iscsi_pdu_data_in_put(b, &p);
	assert_put(b, "25400000"
		      "00000200" LUN_HEX ITT_HEX TTT_HEX ZERO4 "41424344"
		      "51525354"
		      "00000007"
		      "00001000" ZERO4);
}

static void put_r2t(void **state)
{
	uint8_t b[48];
	struct iscsi_r2t p = { LUN, ITT, TTT, SNS, 3, 0x2000, 0x40000 };

	memset(b, 0xee, sizeof(b));
	iscsi_pdu_r2t_put(b, &p);
	assert_put(b, "31800000" ZERO4 LUN_HEX ITT_HEX TTT_HEX SNS_HEX "00000003"
		      "00002000"
		      "00040000");
}

static void put_tmf_and_logout(void **state)
{
	uint8_t b[48];
	struct iscsi_tmf_response tmf = { ISCSI_TMF_REJECTED, 0x0a0b0c, ITT, SNS };
	struct iscsi_logout_response logout = { ISCSI_LOGOUT_NO_CID, ITT, SNS, 2, 20 };

	memset(b, 0xee, sizeof(b));
	iscsi_pdu_tmf_response_put(b, &tmf);
	assert_put(b, "2280ff00" ZERO4 "0a0b0c0000000000" ITT_HEX ZERO4 SNS_HEX ZERO4 ZERO8);
	memset(b, 0xee, sizeof(b));
	iscsi_pdu_logout_response_put(b, &logout);
	assert_put(b, "26800100" ZERO4 ZERO8 ITT_HEX ZERO4 SNS_HEX ZERO4 "00020014" ZERO4);
}

static void put_login_response(void **state)
{
	uint8_t b[48];
	struct iscsi_login_response p = { .transit = true,
					  .csg = 1,
					  .nsg = 3,
					  .version_max = 0x12,
					  .version_active = 0x34,
					  .isid = { 1, 2, 3, 4, 5, 6 },
					  .tsih = 0x7172,
					  .itt = ITT,
					  .sns = SNS,
					  .status = ISCSI_LOGIN_NO_RESOURCES,
					  .data_bytes = 30 };

	memset(b, 0xee, sizeof(b));
	iscsi_pdu_login_response_put(b, &p);
	assert_put(b, "23871234"
		      "0000001e"
		      "0102030405067172" ITT_HEX ZERO4 SNS_HEX "03020000" ZERO8);
	p.transit = false; /* then NSG is reserved */
	p.more = true;
	p.status = ISCSI_LOGIN_OK;
	iscsi_pdu_login_response_put(b, &p);
	assert_put(b, "23441234"
		      "0000001e"
		      "0102030405067172" ITT_HEX ZERO4 SNS_HEX ZERO4 ZERO8);
}

static void put_text_and_nop(void **state)
{
	uint8_t b[48];
	struct iscsi_text_response text = { true, false, 0, ITT, ISCSI_NO_TAG, SNS, 8 };
	struct iscsi_nop_in nop = { LUN, ISCSI_NO_TAG, TTT, SNS, 0 };

	memset(b, 0xee, sizeof(b));
	iscsi_pdu_text_response_put(b, &text);
	assert_put(b, "24800000"
		      "00000008" ZERO8 ITT_HEX "ffffffff" SNS_HEX ZERO4 ZERO8);
	text = (struct iscsi_text_response){ false, true, LUN, ITT, TTT, SNS, 8 };
	iscsi_pdu_text_response_put(b, &text);
	assert_put(b, "24400000"
		      "00000008" LUN_HEX ITT_HEX TTT_HEX SNS_HEX ZERO4 ZERO8);
	memset(b, 0xee, sizeof(b));
	iscsi_pdu_nop_in_put(b, &nop);
	assert_put(b, "20800000" ZERO4 LUN_HEX "ffffffff" TTT_HEX SNS_HEX ZERO4 ZERO8);
}

static void put_async_and_reject(void **state)
{
	uint8_t b[48];
	struct iscsi_async_message async = { LUN, SNS, ISCSI_ASYNC_DROP_CONNECTION, 9, 1, 2, 3, 4 };
	struct iscsi_reject_message reject = { ISCSI_REJECT_BAD_FIELD, SNS, 5, 48 };

	memset(b, 0xee, sizeof(b));
	iscsi_pdu_async_put(b, &async);
	assert_put(b, "32800000"
		      "00000004" LUN_HEX "ffffffff" ZERO4 SNS_HEX "02090001"
		      "00020003" ZERO4);
	memset(b, 0xee, sizeof(b));
	iscsi_pdu_reject_put(b, &reject);
	assert_put(b, "3f800900"
		      "00000030" ZERO8 "ffffffff" ZERO4 SNS_HEX "00000005" ZERO8);
}

static void pads_and_digests(void **state)
{
	uint8_t b[4];

	for (uint32_t n = 0; n < 9; n++)
		assert_int_equal((n + iscsi_pdu_pad(n)) % 4, 0);
	assert_int_equal(iscsi_pdu_pad(1), 3);
	assert_int_equal(iscsi_pdu_pad(0xffffff), 1);
	iscsi_pdu_digest_put(b, 0x8a9136aa);
	assert_memory_equal(b, "\xaa\x36\x91\x8a", 4);
	assert_int_equal(iscsi_pdu_digest_get(b), 0x8a9136aa);
}

HARNESS_MAIN(cmocka_unit_test(every_opcode_number), cmocka_unit_test(every_fault_has_a_row),
	     cmocka_unit_test(refusals), cmocka_unit_test(allowed_segments),
	     cmocka_unit_test(data_length_edges), cmocka_unit_test(immediate_bit),
	     cmocka_unit_test(reserved_task_tag), cmocka_unit_test(scsi_command),
	     cmocka_unit_test(scsi_command_flags), cmocka_unit_test(data_out),
	     cmocka_unit_test(tmf_request), cmocka_unit_test(login_request),
	     cmocka_unit_test(text_request), cmocka_unit_test(logout_request),
	     cmocka_unit_test(snack_request), cmocka_unit_test(snack_tag_of_r_data),
	     cmocka_unit_test(nop_out), cmocka_unit_test(no_ahs),
	     cmocka_unit_test(extended_cdb_of_every_length),
	     cmocka_unit_test(ahs_at_the_end_of_memory), cmocka_unit_test(bidirectional),
	     cmocka_unit_test(two_extended_cdbs), cmocka_unit_test(reserved_ahs_types),
	     cmocka_unit_test(put_scsi_response), cmocka_unit_test(put_data_in),
	     cmocka_unit_test(put_r2t), cmocka_unit_test(put_tmf_and_logout),
	     cmocka_unit_test(put_login_response), cmocka_unit_test(put_text_and_nop),
	     cmocka_unit_test(put_async_and_reject), cmocka_unit_test(pads_and_digests))
