/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_inode.c - two layers of sectors in chunks that are made when touched.
 */
#include "config.h"

#include "tests/sim/sim_inode.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"

struct sim_inode *sim_inode_new(unsigned id)
{
	struct sim_inode *inode = calloc(1, sizeof(*inode));

	GW_CHECK(inode);
	inode->id = id;
	return inode;
}

void sim_inode_free(struct sim_inode **inode)
{
	if (!*inode)
		return;
	for (size_t i = 0; i < (*inode)->n_chunks; i++)
		free((*inode)->chunks[i]);
	free((*inode)->chunks);
	free(*inode);
	*inode = NULL;
}

static struct sim_chunk *chunk_at(const struct sim_inode *inode, uint64_t offset)
{
	size_t i = offset / SIM_CHUNK;

	return i < inode->n_chunks ? inode->chunks[i] : NULL;
}

static struct sim_chunk *chunk_make(struct sim_inode *inode, uint64_t offset)
{
	size_t i = offset / SIM_CHUNK;

	if (i >= inode->n_chunks) {
		size_t room = i + 1 > 2 * inode->n_chunks ? i + 1 : 2 * inode->n_chunks;

		inode->chunks = realloc(inode->chunks, room * sizeof(*inode->chunks));
		GW_CHECK(inode->chunks);
		memset(inode->chunks + inode->n_chunks, 0,
		       (room - inode->n_chunks) * sizeof(*inode->chunks));
		inode->n_chunks = room;
	}
	if (!inode->chunks[i])
		inode->chunks[i] = calloc(1, sizeof(struct sim_chunk));
	GW_CHECK(inode->chunks[i]);
	return inode->chunks[i];
}

/* Bytes from offset to the end of its chunk, but not more than len. */
static size_t in_chunk(uint64_t offset, uint64_t len)
{
	uint64_t room = SIM_CHUNK - offset % SIM_CHUNK;

	return (size_t)(len < room ? len : room);
}

/* The sectors of a chunk that [offset, offset + len) touches; len within it. */
static uint16_t mask_of(uint64_t offset, size_t len)
{
	unsigned first = (unsigned)(offset % SIM_CHUNK / SIM_SECTOR);
	unsigned last = (unsigned)((offset % SIM_CHUNK + len - 1) / SIM_SECTOR);

	return (uint16_t)(((2u << last) - 1) & ~((1u << first) - 1));
}

static void read_layer(const struct sim_inode *inode, bool safe, uint64_t offset, void *buf,
		       size_t len)
{
	uint8_t *out = buf;

	while (len) {
		const struct sim_chunk *c = chunk_at(inode, offset);
		size_t n = in_chunk(offset, len);

		if (c)
			memcpy(out, (safe ? c->safe : c->now) + offset % SIM_CHUNK, n);
		else
			memset(out, 0, n);
		out += n;
		offset += n;
		len -= n;
	}
}

void sim_inode_read(const struct sim_inode *inode, uint64_t offset, void *buf, size_t len)
{
	read_layer(inode, false, offset, buf, len);
}

void sim_inode_read_safe(const struct sim_inode *inode, uint64_t offset, void *buf, size_t len)
{
	read_layer(inode, true, offset, buf, len);
}

/* The sectors of the mask are allocated where `held` has a bit. */
static void hold(struct sim_inode *inode, struct sim_chunk *c, uint16_t mask, uint16_t held)
{
	inode->held -= (unsigned)__builtin_popcount(c->held);
	c->held = (uint16_t)((c->held & ~mask) | (held & mask));
	inode->held += (unsigned)__builtin_popcount(c->held);
}

static void make_safe(struct sim_inode *inode, struct sim_chunk *c, uint16_t mask)
{
	inode->dirty -= (unsigned)__builtin_popcount(c->dirty & mask);
	c->dirty &= (uint16_t)~mask;
	c->lost &= (uint16_t)~mask;
	c->safe_held = (uint16_t)((c->safe_held & ~mask) | (c->held & mask));
	for (unsigned left = mask; left; left &= left - 1) {
		unsigned s = (unsigned)__builtin_ctz(left);

		memcpy(c->safe + s * SIM_SECTOR, c->now + s * SIM_SECTOR, SIM_SECTOR);
	}
}

/* The sectors that lie wholly in [offset, offset + len), within one chunk. */
static uint16_t whole_of(uint64_t offset, size_t len)
{
	uint64_t head = (SIM_SECTOR - offset % SIM_SECTOR) % SIM_SECTOR;
	uint64_t tail = (offset + len) % SIM_SECTOR;

	return head + tail < len ? mask_of(offset + head, len - head - tail) : 0;
}

/* Sectors are about to change: sometimes the old bytes reach the medium first,
 * so that after a power cut neither the newest nor the synced may be there.  A
 * sector that changes only in part is left alone: it may be half of something
 * that goes on. */
static void touch(struct sim_inode *inode, struct sim_rng *rng, struct sim_chunk *c,
		  uint64_t offset, size_t len)
{
	uint16_t mask = mask_of(offset, len), old = c->dirty & whole_of(offset, len), fresh;

	if (old && sim_rng_chance(rng, 1, 8))
		make_safe(inode, c, (uint16_t)(old & sim_rng_next(rng)));
	fresh = (uint16_t)(mask & ~c->dirty);
	inode->dirty += (unsigned)__builtin_popcount(fresh);
	c->dirty |= mask;
	c->lost &= (uint16_t)~mask;
	inode->clock++;
	for (unsigned left = fresh; left; left &= left - 1)
		c->since[__builtin_ctz(left)] = inode->clock;
}

void sim_inode_write(struct sim_inode *inode, struct sim_rng *rng, uint64_t offset, const void *buf,
		     size_t len)
{
	const uint8_t *in = buf;

	if (len && offset + len > inode->size)
		inode->size = offset + len;
	while (len) {
		struct sim_chunk *c = chunk_make(inode, offset);
		size_t n = in_chunk(offset, len);

		touch(inode, rng, c, offset, n);
		memcpy(c->now + offset % SIM_CHUNK, in, n);
		hold(inode, c, mask_of(offset, n), 0xffff);
		in += n;
		offset += n;
		len -= n;
	}
}

uint64_t sim_inode_needs(const struct sim_inode *inode, uint64_t offset, uint64_t len)
{
	uint64_t needs = 0;

	while (len) {
		const struct sim_chunk *c = chunk_at(inode, offset);
		size_t n = in_chunk(offset, len);
		unsigned mask = mask_of(offset, n);

		needs += (unsigned)__builtin_popcount(c ? mask & ~(unsigned)c->held : mask);
		offset += n;
		len -= n;
	}
	return needs;
}

void sim_inode_zero(struct sim_inode *inode, struct sim_rng *rng, uint64_t offset, uint64_t len,
		    bool free_it)
{
	while (len) {
		struct sim_chunk *c = chunk_at(inode, offset);
		size_t n = in_chunk(offset, len);

		if (!c && !free_it)
			c = chunk_make(inode, offset);
		if (c) {
			touch(inode, rng, c, offset, n);
			memset(c->now + offset % SIM_CHUNK, 0, n);
			if (!free_it)
				hold(inode, c, mask_of(offset, n), 0xffff);
			else
				hold(inode, c, whole_of(offset, n), 0);
		}
		offset += n;
		len -= n;
	}
}

void sim_inode_resize(struct sim_inode *inode, uint64_t size)
{
	for (size_t i = size / SIM_CHUNK; i < inode->n_chunks; i++) {
		struct sim_chunk *c = inode->chunks[i];
		size_t from = i == size / SIM_CHUNK ? size % SIM_CHUNK : 0;

		if (!c || size >= inode->size)
			continue;
		memset(c->now + from, 0, SIM_CHUNK - from);
		memset(c->safe + from, 0, SIM_CHUNK - from);
		hold(inode, c, mask_of(from, SIM_CHUNK - from), 0);
	}
	inode->size = size;
}

bool sim_inode_seek(const struct sim_inode *inode, bool data, uint64_t offset, uint64_t *out)
{
	while (offset < inode->size) {
		const struct sim_chunk *c = chunk_at(inode, offset);
		unsigned s = (unsigned)(offset % SIM_CHUNK / SIM_SECTOR);

		if ((c && (c->held >> s & 1)) == data) {
			*out = offset;
			return true;
		}
		offset = c ? (offset / SIM_SECTOR + 1) * SIM_SECTOR
			   : (offset / SIM_CHUNK + 1) * SIM_CHUNK;
	}
	if (!data)
		*out = inode->size;
	return !data;
}

void sim_inode_persist(struct sim_inode *inode, uint64_t offset, uint64_t len)
{
	inode->safe_size = inode->size;
	while (len) {
		struct sim_chunk *c = chunk_at(inode, offset);
		size_t n = in_chunk(offset, len);

		if (c)
			make_safe(inode, c, mask_of(offset, n));
		offset += n;
		len -= n;
	}
}

/* The dirty sectors that were dirty already at that clock. */
static uint16_t owed(const struct sim_chunk *c, uint32_t clock)
{
	uint16_t mask = 0;

	for (unsigned left = c->dirty; left; left &= left - 1) {
		unsigned s = (unsigned)__builtin_ctz(left);

		if ((int32_t)(c->since[s] - clock) <= 0)
			mask |= (uint16_t)(1u << s);
	}
	return mask;
}

void sim_inode_sync(struct sim_inode *inode, struct sim_rng *rng, uint32_t clock)
{
	inode->safe_size = inode->size;
	for (size_t i = 0; i < inode->n_chunks && inode->dirty; i++) {
		struct sim_chunk *c = inode->chunks[i];

		if (c && c->dirty)
			make_safe(inode, c,
				  (uint16_t)(owed(c, clock) | (c->dirty & sim_rng_next(rng))));
	}
}

static void give_up(struct sim_inode *inode, struct sim_chunk *c, uint16_t mask, bool go_back)
{
	inode->dirty -= (unsigned)__builtin_popcount(c->dirty & mask);
	c->dirty &= (uint16_t)~mask;
	c->lost = (uint16_t)(go_back ? c->lost & ~mask : c->lost | mask);
	if (go_back)
		hold(inode, c, mask, c->safe_held);
	for (unsigned left = go_back ? mask : 0; left; left &= left - 1) {
		unsigned s = (unsigned)__builtin_ctz(left);

		memcpy(c->now + s * SIM_SECTOR, c->safe + s * SIM_SECTOR, SIM_SECTOR);
	}
}

uint64_t sim_inode_sync_fails(struct sim_inode *inode, struct sim_rng *rng, uint32_t clock,
			      sim_inode_lost_fn *lost, void *arg)
{
	uint64_t total = 0;

	for (size_t i = 0; i < inode->n_chunks && inode->dirty; i++) {
		struct sim_chunk *c = inode->chunks[i];
		uint16_t gone;

		if (!c || !c->dirty)
			continue;
		gone = (uint16_t)(owed(c, clock) & sim_rng_next(rng));
		make_safe(inode, c, (uint16_t)(owed(c, clock) & ~gone));
		give_up(inode, c, gone, sim_rng_chance(rng, 1, 2));
		total += (unsigned)__builtin_popcount(gone);
		for (unsigned left = gone; left && lost; left &= left - 1)
			lost(arg, i * SIM_CHUNK_SECTORS + (unsigned)__builtin_ctz(left), 1);
	}
	return total;
}

void sim_inode_power_cut(struct sim_inode *inode, struct sim_rng *rng, unsigned num, unsigned den,
			 struct sim_survey *survey)
{
	for (size_t i = 0; i < inode->n_chunks; i++) {
		struct sim_chunk *c = inode->chunks[i];
		uint16_t keep = 0, drop;

		if (!c)
			continue;
		for (unsigned left = c->dirty; left; left &= left - 1)
			if (sim_rng_chance(rng, num, den))
				keep |= (uint16_t)(left & -left);
		drop = (uint16_t)((c->dirty & ~keep) | c->lost);
		survey->kept += (unsigned)__builtin_popcount(keep);
		survey->lost += (unsigned)__builtin_popcount(drop);
		make_safe(inode, c, keep);
		give_up(inode, c, drop, true);
	}
	if (inode->size != inode->safe_size && sim_rng_chance(rng, num, den))
		inode->safe_size = inode->size;
	sim_inode_resize(inode, inode->safe_size);
	inode->readers = 0;
	inode->writer = false;
}
