/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_nbds_pdu.c - every codec that takes bytes of the peer.  Byte 0 says which;
 * the rest is the message.  What is taken must lie inside what was given.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/check.h"
#include "protocols/nbd/nbds_meta.h"
#include "protocols/nbd/nbds_pdu.h"
#include "tests/fuzz/fuzz.h"

static void inside(const struct nbds_slice *slice, const uint8_t *data, size_t size)
{
	GW_CHECK(slice->len <= NBDS_NAME_MAX);
	GW_CHECK(!slice->len || (slice->at >= data && slice->at + slice->len <= data + size));
}

static void fuzz_go(const uint8_t *data, size_t size)
{
	struct nbds_go go;

	if (!nbds_pdu_go_get(data, (uint32_t)size, &go))
		return;
	inside(&go.name, data, size);
	GW_CHECK(go.name.len + 6 <= size && go.wanted < 16);
	nbds_pdu_name_ok(&go.name);
}

static void fuzz_meta(const uint8_t *data, size_t size)
{
	struct nbds_meta_ask ask;
	struct nbds_slice query;
	uint32_t n = 0, hits = 0;

	if (!nbds_pdu_meta_get(data, (uint32_t)size, &ask))
		return;
	inside(&ask.name, data, size);
	while (nbds_pdu_query_get(&ask, &query)) {
		inside(&query, data, size);
		hits += nbds_meta_match(&query, n++ & 1) == NBDS_META_HIT;
	}
	GW_CHECK(n == ask.queries && hits <= n);
}

static void fuzz_heads(const uint8_t *data, size_t size)
{
	struct nbds_option option;
	struct nbds_request request;
	uint32_t flags;
	uint64_t effect;

	if (size >= NBDS_CLIENT_FLAGS_BYTES && nbds_pdu_client_flags_get(data, &flags))
		GW_CHECK(flags < 4);
	if (size >= NBDS_OPTION_BYTES)
		nbds_pdu_option_get(data, &option);
	if (size >= NBDS_REQUEST_BYTES && nbds_pdu_request_get(data, false, &request))
		GW_CHECK(request.length <= UINT32_MAX);
	if (size >= NBDS_REQUEST_EXT_BYTES)
		nbds_pdu_request_get(data, true, &request);
	if (nbds_pdu_ids_get(data, size, 1, &effect))
		GW_CHECK(size == NBDS_IDS_MAX_BYTES);
}

/* Extents of 9 bytes each: length and state. */
static void fuzz_sink(const uint8_t *data, size_t size, bool extended)
{
	static uint8_t mem[8192];
	struct nbds_meta_sink sink;
	uint32_t room = 24 + (size ? data[0] * 16u : 0), bytes;

	nbds_meta_sink_begin(&sink, mem, room, extended, size > 1 && data[1] & 1, 1ull << 41);
	for (; size >= 9; data += 9, size -= 9) {
		uint64_t length;

		memcpy(&length, data, sizeof(length));
		if (!sink.extents.add(&sink.extents, length, data[8]))
			break;
	}
	bytes = nbds_meta_sink_end(&sink);
	GW_CHECK(bytes <= room && sink.count >= 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	switch (data[0] % 5) {
	case 0:
		fuzz_go(data + 1, size - 1);
		break;
	case 1:
		fuzz_meta(data + 1, size - 1);
		break;
	case 2:
		fuzz_heads(data + 1, size - 1);
		break;
	default:
		fuzz_sink(data + 1, size - 1, data[0] & 1);
	}
	return 0;
}
