/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_lend.c - places in an address space that has no memory, one for each open file.
 */
#include "config.h"

#include "tests/sim/sim_lend.h"

#include <string.h>
#include <sys/mman.h>

#include "gateway/base/check.h"

#define PLACES 256u
#define PLACE_BYTES (1ull << 32) /* no simulated file is larger */
#define OFF_NS (5 * SIM_S)

/* Of the process: an address tells its place, and nothing else. */
static uint8_t *space;
static struct drv_file *places[PLACES];
static unsigned last;

static uint8_t *place_of(struct drv_file *file)
{
	if (!space) {
		space = mmap(NULL, PLACES * PLACE_BYTES, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
		GW_CHECK(space != MAP_FAILED);
	}
	for (unsigned i = 0; !file->place && i < PLACES; i++) {
		last = (last + 1) % PLACES; /* that of one just closed is the last */
		if (places[last])
			continue;
		places[last] = file;
		file->place = last + 1;
	}
	GW_CHECK(file->place);
	return space + (file->place - 1) * PLACE_BYTES;
}

/* It is sure to be met by an error or a stall, so it is not in the cache. */
static bool is_trouble(const struct sim_disk *d)
{
	return d->vanished || d->fail_next[DRV_READ] || d->stall_next_ns[DRV_READ] ||
	       d->faults.stall == 10000 || d->faults.read_error == 10000;
}

const void *sim_lend(struct sim_disk *d, struct drv_file *file, uint64_t offset, uint32_t length)
{
	uint64_t size = file->inode->size;

	if (!d->lend_odds || d->world->now_ns < d->lend_off_ns || is_trouble(d) ||
	    !sim_disk_alive(file) || (file->flags & DRV_OPEN_DIRECT))
		return NULL;
	if (offset > size || length > size - offset || size > PLACE_BYTES)
		return NULL;
	if (!sim_rng_chance(&d->lend_rng, d->lend_odds, SIM_LEND_ALWAYS))
		return NULL;
	sim_count(d->world, SIM_COVER_LENT);
	return place_of(file) + offset;
}

void sim_lend_torn(struct sim_disk *d)
{
	d->lend_off_ns = d->world->now_ns + OFF_NS;
}

void sim_lend_closed(struct drv_file *file)
{
	if (file->place)
		places[file->place - 1] = NULL;
	file->place = 0;
}

/* Where reads fail, pages vanish. */
static bool is_torn(struct sim_disk *d, const struct drv_file *file, uint64_t offset, size_t n)
{
	uint64_t size = file->inode->size;
	unsigned odds = d->faults.read_error * 8; /* there are fewer of these */

	if (d->vanished || offset > size || n > size - offset ||
	    (odds && sim_rng_chance(&d->lend_rng, odds, 10000))) {
		sim_count(d->world, SIM_COVER_LENT_TORN);
		return true;
	}
	return false;
}

/* The byte of the space that this is; false: it is memory. */
static bool is_in_space(const void *src, uint64_t *at)
{
	*at = (uint64_t)((uintptr_t)src - (uintptr_t)space);
	return space && (uintptr_t)src >= (uintptr_t)space && *at < PLACES * PLACE_BYTES;
}

bool sim_lend_where(const void *src, const struct sim_inode **inode, uint64_t *offset)
{
	uint64_t at;

	if (!is_in_space(src, &at) || !places[at / PLACE_BYTES])
		return false;
	*inode = places[at / PLACE_BYTES]->inode;
	*offset = at % PLACE_BYTES;
	return true;
}

bool sim_lend_copy(struct sim_world *world, void *dst, const void *src, size_t n)
{
	const struct drv_file *file;
	uint64_t at;

	if (!is_in_space(src, &at)) {
		memcpy(dst, src, n);
		return true;
	}
	file = places[at / PLACE_BYTES];
	if (!file)
		sim_world_broken(world, "%zu bytes are sent from a file that is closed", n);
	if (is_torn(file->disk, file, at % PLACE_BYTES, n))
		return false;
	sim_inode_read(file->inode, at % PLACE_BYTES, dst, n);
	return true;
}
