/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_meta.h - metadata contexts: what a query selects, and the payload of a
 * block status reply (proto.md, "Metadata querying").
 *
 * One context, base:allocation, with one id.  Pure: the sink writes to memory
 * that its owner brings.
 */
#ifndef PROTOCOLS_NBD_NBDS_META_H
#define PROTOCOLS_NBD_NBDS_META_H

#include "gateway/api/store.h"
#include "protocols/nbd/nbds_pdu.h"

#define NBDS_META_ALLOCATION "base:allocation"
#define NBDS_META_ALLOCATION_ID 1u

enum nbds_meta_match {
	NBDS_META_NOTHING, /* an unknown namespace or leaf: ignored */
	NBDS_META_HIT, /* selects (or lists) base:allocation */
	NBDS_META_BAD /* no colon: semantically invalid */
};

/* listing: LIST_META_CONTEXT, where "base:" is a wildcard; else SET. */
enum nbds_meta_match nbds_meta_match(const struct nbds_slice *query, bool listing);

/*
 * Gathers extents as descriptors.  Neighbours of one state are joined, what lies
 * past the range is clipped, and when the memory is full the rest is left out:
 * a client asks again behind the last descriptor.
 */
struct nbds_meta_sink {
	struct gw_extents extents; /* first: handed to the request */
	uint8_t *at; /* where the payload is written */
	uint32_t room; /* descriptors that still fit */
	uint32_t count; /* descriptors written */
	uint64_t left; /* bytes of the range not yet described */
	uint64_t pending; /* bytes of the descriptor not yet written */
	uint32_t state; /* its state */
	bool extended;
};

/* length: the effect length, not 0; one: REQ_ONE. size must hold a head and one
 * descriptor (24 bytes). */
void nbds_meta_sink_begin(struct nbds_meta_sink *sink, uint8_t *at, uint32_t size, bool extended,
			  bool one, uint64_t length);
/* Writes what is pending and the head; returns the bytes of the payload.  Never
 * without a descriptor: where nothing was told, all is data. */
uint32_t nbds_meta_sink_end(struct nbds_meta_sink *sink);

#endif
