/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of tests/sim/sim_inode.c: what a sync owes, what a power cut takes, what
 * a failed sync gives up, holes.
 */
#include "config.h"

#include "tests/sim/sim_inode.h"

#include <string.h>

#include "tests/harness/harness.h"

static uint8_t a[8 * SIM_SECTOR], b[8 * SIM_SECTOR], got[8 * SIM_SECTOR];
static struct sim_rng rng;

static struct sim_inode *fresh(void)
{
	sim_rng_seed(&rng, 1);
	memset(a, 'a', sizeof(a));
	memset(b, 'b', sizeof(b));
	return sim_inode_new(1);
}

/* How many of the first n sectors hold that byte on the medium. */
static unsigned safe_sectors(struct sim_inode *inode, unsigned n, uint8_t byte)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++) {
		sim_inode_read_safe(inode, i * SIM_SECTOR, got, SIM_SECTOR);
		found += got[0] == byte && got[SIM_SECTOR - 1] == byte;
	}
	return found;
}

static void cut(struct sim_inode *inode, unsigned num)
{
	struct sim_survey survey = { 0 };

	sim_inode_power_cut(inode, &rng, num, 8, &survey);
}

static void a_write_is_seen_at_once_and_lost_unsynced(void **state)
{
	struct sim_inode *inode = fresh();

	sim_inode_write(inode, &rng, 0, a, sizeof(a));
	sim_inode_read(inode, 0, got, sizeof(got));
	assert_memory_equal(got, a, sizeof(a));
	assert_int_equal(inode->dirty, 8);
	assert_int_equal(safe_sectors(inode, 8, 'a'), 0);
	cut(inode, 0);
	assert_int_equal(inode->size, 0);
	assert_int_equal(safe_sectors(inode, 8, 'a'), 0);
	sim_inode_free(&inode);
}

static void a_synced_write_survives(void **state)
{
	struct sim_inode *inode = fresh();

	sim_inode_write(inode, &rng, 0, a, sizeof(a));
	sim_inode_sync(inode, &rng, inode->clock);
	assert_int_equal(inode->dirty, 0);
	sim_inode_write(inode, &rng, 0, b, SIM_SECTOR);
	cut(inode, 0);
	assert_int_equal(inode->size, sizeof(a));
	assert_int_equal(safe_sectors(inode, 8, 'a'), 8);
	sim_inode_free(&inode);
}

static void a_cut_tears_at_sectors(void **state)
{
	struct sim_inode *inode = fresh();
	unsigned torn = 0;

	sim_inode_write(inode, &rng, 0, a, sizeof(a));
	sim_inode_sync(inode, &rng, inode->clock);
	for (unsigned i = 0; i < 50; i++) {
		unsigned n;

		sim_inode_write(inode, &rng, 0, b, sizeof(b));
		cut(inode, 4);
		n = safe_sectors(inode, 8, 'b');
		assert_int_equal(n + safe_sectors(inode, 8, 'a'), 8);
		torn += n > 0 && n < 8;
		sim_inode_write(inode, &rng, 0, a, sizeof(a));
		sim_inode_sync(inode, &rng, inode->clock);
	}
	assert_in_range(torn, 25, 50);
	sim_inode_free(&inode);
}

static void a_sync_owes_what_was_dirty_when_it_began(void **state)
{
	struct sim_inode *inode = fresh();
	unsigned later = 0;

	for (unsigned i = 0; i < 50; i++) {
		uint32_t clock;

		sim_inode_write(inode, &rng, 0, a, 4 * SIM_SECTOR);
		clock = inode->clock;
		sim_inode_write(inode, &rng, 4 * SIM_SECTOR, b, 4 * SIM_SECTOR);
		sim_inode_sync(inode, &rng, clock);
		assert_int_equal(safe_sectors(inode, 4, 'a'), 4);
		later += safe_sectors(inode, 8, 'b');
		cut(inode, 0);
		sim_inode_zero(inode, &rng, 0, 8 * SIM_SECTOR, true);
		sim_inode_sync(inode, &rng, inode->clock);
	}
	assert_in_range(later, 50, 150); /* some of the later ones, not all */
	sim_inode_free(&inode);
}

static uint64_t lost_sectors;
static void count_lost(void *arg, uint64_t first, uint64_t sectors)
{
	lost_sectors += sectors;
}

static void a_failed_sync_gives_up(void **state)
{
	struct sim_inode *inode = fresh();
	uint64_t total;

	sim_inode_write(inode, &rng, 0, a, sizeof(a));
	sim_inode_sync(inode, &rng, inode->clock);
	sim_inode_write(inode, &rng, 0, b, sizeof(b));
	lost_sectors = 0;
	total = sim_inode_sync_fails(inode, &rng, inode->clock, count_lost, NULL);
	assert_int_equal(total, lost_sectors);
	assert_in_range(lost_sectors, 1, 8);
	assert_int_equal(inode->dirty, 0);
	sim_inode_sync(inode, &rng, inode->clock); /* says nothing, saves nothing */
	cut(inode, 8);
	assert_int_equal(safe_sectors(inode, 8, 'b'), 8 - lost_sectors);
	sim_inode_free(&inode);
}

static void holes(void **state)
{
	struct sim_inode *inode = fresh();
	uint64_t at = 99;

	sim_inode_resize(inode, 1 << 20);
	assert_false(sim_inode_seek(inode, true, 0, &at));
	assert_int_equal(at, 99);
	sim_inode_write(inode, &rng, 64 * 1024 + 512, a, SIM_SECTOR);
	assert_true(sim_inode_seek(inode, true, 0, &at));
	assert_int_equal(at, 64 * 1024 + 512);
	assert_true(sim_inode_seek(inode, false, at, &at));
	assert_int_equal(at, 64 * 1024 + 1024);
	assert_int_equal(sim_inode_needs(inode, 64 * 1024, 2048), 3);
	sim_inode_zero(inode, &rng, 64 * 1024 + 512, 512, true);
	assert_int_equal(inode->held, 0);
	sim_inode_zero(inode, &rng, 0, 4096, false);
	assert_int_equal(inode->held, 8);
	sim_inode_free(&inode);
}

static void bytes_that_are_no_sectors(void **state)
{
	struct sim_inode *inode = fresh();

	sim_inode_write(inode, &rng, 0, a, sizeof(a));
	sim_inode_write(inode, &rng, 500, b, 100);
	sim_inode_zero(inode, &rng, 700, 10, true);
	sim_inode_read(inode, 0, got, sizeof(got));
	assert_int_equal(got[499], 'a');
	assert_int_equal(got[500], 'b');
	assert_int_equal(got[599], 'b');
	assert_int_equal(got[600], 'a');
	assert_int_equal(got[700], 0);
	assert_int_equal(got[710], 'a');
	sim_inode_resize(inode, 550);
	sim_inode_resize(inode, 1024);
	sim_inode_read(inode, 0, got, 1024);
	assert_int_equal(got[549], 'b');
	assert_int_equal(got[550], 0);
	sim_inode_free(&inode);
}

HARNESS_MAIN(cmocka_unit_test(a_write_is_seen_at_once_and_lost_unsynced),
	     cmocka_unit_test(a_synced_write_survives), cmocka_unit_test(a_cut_tears_at_sectors),
	     cmocka_unit_test(a_sync_owes_what_was_dirty_when_it_began),
	     cmocka_unit_test(a_failed_sync_gives_up), cmocka_unit_test(holes),
	     cmocka_unit_test(bytes_that_are_no_sectors))
