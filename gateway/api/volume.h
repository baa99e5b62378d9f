/* SPDX-License-Identifier: BSD-3-Clause
 *
 * volume.h - a volume as front ends and translators see it.
 *
 * A volume = a store + identity + geometry + reservations + counters.  What may
 * change while it runs stands in struct gw_facts, of which every loop holds its
 * own copy (gw_itl_facts()); what never changes is read directly.
 */
#ifndef GATEWAY_API_VOLUME_H
#define GATEWAY_API_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

struct gw;
struct loop;
struct gw_volume;

#define GW_NAME_MAX 224 /* bytes of a volume's name, with the final 0 */

enum gw_volume_state { GW_VOLUME_OFFLINE, GW_VOLUME_ONLINE, GW_VOLUME_DRAINING };

/* What the volume can do natively or by emulation, told to clients. */
enum gw_cap {
	GW_CAP_UNMAP = 1, /* deallocates, reads zero afterwards */
	GW_CAP_FAST_ZERO = 2, /* ZERO costs less than writing */
	GW_CAP_EXTENTS = 4, /* EXTENTS tells more than "all data" */
	GW_CAP_PREFETCH = 8,
	GW_CAP_MULTI = 16, /* a flush on one nexus covers writes of all: always so */
	GW_CAP_ROTATIONAL = 32
};

struct gw_facts {
	enum gw_volume_state state;
	uint64_t size_bytes; /* whole logical blocks */
	uint32_t block_bytes; /* logical block 512 .. 65536, a power of two */
	uint32_t optimal_bytes; /* a good transfer size; >= block_bytes, a power of two */
	uint32_t caps; /* enum gw_cap */
	uint32_t unmap_granularity_bytes; /* 0: unknown */
	/* What is written from memory that does not stand at a multiple of it is copied
	 * once more; 1: never.  A hint. */
	uint32_t memory_align_bytes;
	bool read_only;
	bool write_cache; /* volatile: writes need FLUSH or FUA to be durable */
	uint32_t generation; /* counts adoptions */
};

struct gw_identity {
	uint8_t uuid[16]; /* stable over restarts, never reused */
	uint64_t naa; /* NAA 3 (locally assigned), SPC-4 7.8.6.6.4 */
	uint8_t eui64[8];
	char serial[33]; /* hexadecimal, of the uuid */
};

/* Any loop. */
const char *gw_volume_name(const struct gw_volume *volume);
const char *gw_volume_description(const struct gw_volume *volume); /* for people; never null */
const struct gw_identity *gw_volume_identity(const struct gw_volume *volume);
/* Called on `loop`: the facts as this loop has adopted them, valid until its next
 * turn; for who has no I_T_L nexus (NBD_OPT_INFO). */
const struct gw_facts *gw_volume_facts(const struct gw_volume *volume, const struct loop *loop);

#endif
