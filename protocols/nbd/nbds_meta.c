/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_meta.c - metadata contexts and block status payloads.
 */
#include "config.h"

#include "protocols/nbd/nbds_meta.h"

#include <string.h>

#include "translators/nbd/nbdx.h"

/* "The `base:` metadata namespace" */
enum nbds_meta_match nbds_meta_match(const struct nbds_slice *query, bool listing)
{
	static const char space[] = "base:", full[] = NBDS_META_ALLOCATION;

	if (!query->len || !memchr(query->at, ':', query->len))
		return NBDS_META_BAD;
	if (query->len == sizeof(full) - 1 && !memcmp(query->at, full, query->len))
		return NBDS_META_HIT;
	if (listing && query->len == sizeof(space) - 1 && !memcmp(query->at, space, query->len))
		return NBDS_META_HIT;
	return NBDS_META_NOTHING;
}

static void flush(struct nbds_meta_sink *sink)
{
	uint32_t each = nbds_pdu_status_bytes(sink->extended);

	if (!sink->pending || !sink->room)
		return;
	nbds_pdu_status_put(sink->at + nbds_pdu_status_head_bytes(sink->extended) +
				    sink->count * each,
			    sink->extended, sink->pending, sink->state);
	sink->count++;
	sink->room--;
	sink->pending = 0;
}

static bool add(struct gw_extents *extents, uint64_t length, uint32_t flags)
{
	struct nbds_meta_sink *sink = (struct nbds_meta_sink *)extents;
	uint32_t state = nbdx_extent_state(flags);

	if (length > sink->left)
		length = sink->left;
	if (!length)
		return sink->left > 0;
	if (sink->pending && state != sink->state) {
		flush(sink);
		if (!sink->room) {
			sink->left = 0;
			return false;
		}
	}
	sink->state = state;
	sink->pending += length;
	sink->left -= length;
	return sink->left > 0;
}

void nbds_meta_sink_begin(struct nbds_meta_sink *sink, uint8_t *at, uint32_t size, bool extended,
			  bool one, uint64_t length)
{
	uint32_t head = nbds_pdu_status_head_bytes(extended);

	*sink = (struct nbds_meta_sink){
		.extents = { .add = add },
		.at = at,
		.room = one ? 1 : (size - head) / nbds_pdu_status_bytes(extended),
		.left = length,
		.extended = extended,
	};
}

uint32_t nbds_meta_sink_end(struct nbds_meta_sink *sink)
{
	if (!sink->count && !sink->pending) {
		sink->pending = sink->left;
		sink->state = 0;
	}
	flush(sink);
	nbds_pdu_status_head_put(sink->at, sink->extended, NBDS_META_ALLOCATION_ID, sink->count);
	return nbds_pdu_status_head_bytes(sink->extended) +
	       sink->count * nbds_pdu_status_bytes(sink->extended);
}
