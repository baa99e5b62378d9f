/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_rx.c - bytes to PDUs: lengths, padding, digests.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_rx.h"

#include "gateway/base/bytes.h"
#include "gateway/base/crc32c.h"
#include "protocols/iscsi/iscsi_pdu.h"

enum iscsi_rx_result iscsi_rx_head(const struct iscsi_rx_rules *rules, const uint8_t *at,
				   size_t have, uint32_t *need, struct iscsi_rx_layout *layout)
{
	struct iscsi_rx_layout got;
	uint32_t covered;

	if (have < ISCSI_BHS_BYTES) {
		*need = ISCSI_BHS_BYTES;
		return ISCSI_RX_MORE;
	}
	got.ahs_bytes = at[ISCSI_AT_AHS_WORDS] * 4u;
	covered = ISCSI_BHS_BYTES + got.ahs_bytes;
	got.head_bytes = covered + (rules->header_digest ? ISCSI_DIGEST_BYTES : 0);
	if (have < got.head_bytes) {
		*need = got.head_bytes;
		return ISCSI_RX_MORE;
	}
	if (rules->header_digest && crc32c(0, at, covered) != iscsi_pdu_digest_get(at + covered))
		return ISCSI_RX_BAD_DIGEST;
	got.data_bytes = be24_get(at + ISCSI_AT_DATA_LENGTH);
	got.pad_bytes = iscsi_pdu_pad(got.data_bytes);
	/* 11.2.3: no data, no data digest. */
	got.tail_bytes = got.pad_bytes;
	if (rules->data_digest && got.data_bytes)
		got.tail_bytes += ISCSI_DIGEST_BYTES;
	*layout = got;
	return got.data_bytes > rules->data_max ? ISCSI_RX_TOO_LONG : ISCSI_RX_HEAD;
}

bool iscsi_rx_tail_ok(const struct iscsi_rx_rules *rules, const struct iscsi_rx_layout *layout,
		      uint32_t crc, const uint8_t *tail)
{
	if (!iscsi_rx_sums(rules, layout))
		return true;
	crc = crc32c(crc, tail, layout->pad_bytes);
	return crc == iscsi_pdu_digest_get(tail + layout->pad_bytes);
}
