/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_iscsi_pdu.c - a stream of PDUs through iscsi_rx and iscsi_pdu.  Byte 0: the
 * digests (1, 2), whether header digests are put right first (4), and how long a
 * data segment may be (8, 16).  What is taken must lie inside what was given.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "gateway/base/crc32c.h"
#include "protocols/iscsi/iscsi_pdu.h"
#include "protocols/iscsi/iscsi_rx.h"
#include "tests/fuzz/fuzz.h"

static void check_fields(const struct iscsi_pdu *pdu, const uint8_t *bhs)
{
	const struct iscsi_opcode_row *row = iscsi_pdu_opcode(pdu->opcode);

	GW_CHECK(row && !row->from_target);
	GW_CHECK(row->ahs || !pdu->ahs_bytes);
	GW_CHECK(row->data || !pdu->data_bytes);
	switch (pdu->opcode) {
	case ISCSI_OP_SCSI_COMMAND:
		GW_CHECK(pdu->scsi.cdb == bhs + 32 && pdu->scsi.attr <= ISCSI_ATTR_ACA);
		GW_CHECK(pdu->scsi.write || pdu->final);
		break;
	case ISCSI_OP_LOGIN:
		GW_CHECK(pdu->immediate && pdu->login.csg < 4 && pdu->login.nsg < 4);
		break;
	case ISCSI_OP_TEXT:
		GW_CHECK(!(pdu->text.more && pdu->final));
		break;
	case ISCSI_OP_LOGOUT:
		GW_CHECK(pdu->logout.reason <= ISCSI_LOGOUT_RECOVERY);
		break;
	case ISCSI_OP_SNACK:
		GW_CHECK(pdu->snack.type <= ISCSI_SNACK_R_DATA);
		break;
	default:
		break;
	}
}

static void one_head(const uint8_t *head, const struct iscsi_rx_layout *layout, uint32_t data_max)
{
	struct iscsi_ahs ahs;
	struct iscsi_pdu pdu;
	enum iscsi_fault fault = iscsi_pdu_get(head, data_max, &pdu);

	if (fault != ISCSI_FAULT_NONE) {
		GW_CHECK(iscsi_pdu_fault(fault));
	} else {
		GW_CHECK(pdu.ahs_bytes == layout->ahs_bytes &&
			 pdu.data_bytes == layout->data_bytes);
		check_fields(&pdu, head);
	}
	head += ISCSI_BHS_BYTES;
	fault = iscsi_pdu_ahs_get(head, layout->ahs_bytes, &ahs);
	if (fault == ISCSI_FAULT_NONE && ahs.cdb)
		GW_CHECK(ahs.cdb >= head + 4 && ahs.cdb_bytes &&
			 ahs.cdb + ahs.cdb_bytes <= head + layout->ahs_bytes);
}

/* The bytes of the PDU at `at`, or 0 if it does not end here. */
static size_t one_pdu(const struct iscsi_rx_rules *rules, const uint8_t *at, size_t have)
{
	struct iscsi_rx_layout layout;
	uint32_t need = 0, crc;
	enum iscsi_rx_result result = iscsi_rx_head(rules, at, have, &need, &layout);

	if (result == ISCSI_RX_MORE)
		GW_CHECK(need > have && need <= ISCSI_HEAD_MAX_BYTES);
	if (result != ISCSI_RX_HEAD)
		return 0;
	GW_CHECK(layout.head_bytes <= have && layout.data_bytes <= rules->data_max);
	GW_CHECK(layout.tail_bytes <= ISCSI_RX_TAIL_MAX_BYTES);
	GW_CHECK((layout.data_bytes + layout.pad_bytes) % 4 == 0 && layout.pad_bytes < 4);
	one_head(at, &layout, rules->data_max);
	if (iscsi_rx_total(&layout) > have)
		return 0;
	at += layout.head_bytes;
	crc = crc32c(0, at, layout.data_bytes);
	if (!iscsi_rx_tail_ok(rules, &layout, crc, at + layout.data_bytes))
		GW_CHECK(iscsi_rx_sums(rules, &layout));
	return iscsi_rx_total(&layout);
}

/* Without it no fuzzer ever comes past the first digest. */
static void put_digest_right(uint8_t *at, size_t have)
{
	size_t covered = have < ISCSI_BHS_BYTES ? have : ISCSI_BHS_BYTES + at[4] * 4u;

	if (have >= covered + ISCSI_DIGEST_BYTES)
		iscsi_pdu_digest_put(at + covered, crc32c(0, at, covered));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint32_t maxima[] = { 0, 512, 8192, 0xffffff };
	struct iscsi_rx_rules rules;
	uint8_t *copy;
	size_t at = 1, bytes = 1;

	if (!size)
		return 0;
	copy = malloc(size);
	GW_CHECK(copy);
	memcpy(copy, data, size);
	rules = (struct iscsi_rx_rules){ data[0] & 1, data[0] & 2, maxima[data[0] >> 3 & 3] };
	for (; at < size && bytes; at += bytes) {
		if (rules.header_digest && data[0] & 4)
			put_digest_right(copy + at, size - at);
		bytes = one_pdu(&rules, copy + at, size - at);
	}
	free(copy);
	return 0;
}
