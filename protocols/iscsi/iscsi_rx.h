/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_rx.h - bytes to PDUs: how long the head is, whether its digest is right,
 * and where everything stands, so that data can be received straight into its
 * own memory.
 *
 * No state, no sockets, no copy.  The caller keeps a buffer of received bytes
 * and asks about the bytes from the begin of a PDU on.  A PDU is
 *
 *	|<------------- head -------------->|               |<---- tail ---->|
 *	| BHS 48 | AHS 0..1020 | digest 0/4 | data 0..16 Mi | pad 0..3 | digest 0/4 |
 *
 * and never needs to be in the buffer as a whole: the head must stand in one
 * piece, the data goes where the caller wants it, the tail (at most 7 bytes, in
 * one piece) is then given to iscsi_rx_tail_ok() with the CRC of the data.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_RX_H
#define PROTOCOLS_ISCSI_ISCSI_RX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/iscsi/iscsi.h"

#define ISCSI_RX_TAIL_MAX_BYTES 7u

/* What this connection agreed on. */
struct iscsi_rx_rules {
	bool header_digest, data_digest;
	uint32_t data_max; /* the longest data segment that we declared */
};

enum iscsi_rx_result {
	ISCSI_RX_MORE, /* the head is not whole yet */
	ISCSI_RX_HEAD, /* here it is */
	ISCSI_RX_BAD_DIGEST, /* the head is damaged: nothing in it can be believed (7.8) */
	ISCSI_RX_TOO_LONG /* the data segment is longer than data_max: cannot be followed */
};

struct iscsi_rx_layout {
	uint32_t ahs_bytes; /* they begin at ISCSI_BHS_BYTES */
	uint32_t head_bytes; /* BHS, AHS, digest: the data begins here */
	uint32_t data_bytes; /* without padding */
	uint32_t pad_bytes; /* 0..3 */
	uint32_t tail_bytes; /* padding and digest; 0..7 */
};

/*
 * The PDU that begins at `at`, of which `have` bytes in one piece are there.
 * MORE: *need says how many must be there before it is worth asking again (more
 * than `have`, at most ISCSI_HEAD_MAX_BYTES).  HEAD and TOO_LONG: *layout is
 * filled.  What is not filled stays untouched.
 */
enum iscsi_rx_result iscsi_rx_head(const struct iscsi_rx_rules *rules, const uint8_t *at,
				   size_t have, uint32_t *need, struct iscsi_rx_layout *layout);

/* All bytes of the PDU. */
static inline uint32_t iscsi_rx_total(const struct iscsi_rx_layout *layout)
{
	return layout->head_bytes + layout->data_bytes + layout->tail_bytes;
}

/*
 * crc: crc32c over the data_bytes in order, wherever they are (crc32c(),
 * crc32c_iov(), or piece by piece).  tail: layout->tail_bytes.  True also if
 * the PDU has no data digest; then crc is not looked at.
 */
bool iscsi_rx_tail_ok(const struct iscsi_rx_rules *rules, const struct iscsi_rx_layout *layout,
		      uint32_t crc, const uint8_t *tail);

/* Must the data of this PDU be summed up at all? */
static inline bool iscsi_rx_sums(const struct iscsi_rx_rules *rules,
				 const struct iscsi_rx_layout *layout)
{
	return rules->data_digest && layout->data_bytes;
}

#endif
