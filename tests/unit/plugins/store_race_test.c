/* SPDX-License-Identifier: BSD-3-Clause
 *
 * store_race_test.c - four loops on one store at once.
 *
 * neighbours: each loop owns every fourth sector, so that all share every page;
 * it must always find its own sector as it left it.  pages: all write, clear and
 * read the same few pages; a page read is all zero or all of one write.
 */
#include "config.h"

#include <stdatomic.h>
#include <string.h>

#include "gateway/base/check.h"
#include "tests/harness/harness.h"
#include "tests/unit/plugins/store_rig.h"

#define LOOPS RIG_LOOPS
#define SECTOR 512u
#define SECTORS 256u /* of each loop */
#define PAGE 4096u
#define PAGES 24u
#define STEPS 20000u

extern const struct gw_store_ops st_memory_ops, st_file_ops;

struct actor {
	struct rig *rig;
	unsigned loop;
	uint64_t seed;
	uint32_t step;
	void (*next)(struct actor *actor);
	struct loop_mail start;
	struct rig_io rio;
	struct rig_extents found;
	struct iovec iov;
	unsigned target; /* sector or page of the request under way */
	uint32_t want[SECTORS];
	uint32_t words[PAGE / 4];
};

static struct actor actors[LOOPS];
static atomic_uint running;

/* ---- the four of them --------------------------------------------------- */

static void begin(struct loop_mail *mail)
{
	struct actor *a = (struct actor *)((char *)mail - offsetof(struct actor, start));

	a->next(a);
}

static void go(struct actor *a, enum gw_op op, uint64_t offset, uint64_t length, uint32_t flags)
{
	a->rio.io.op = op;
	a->rio.io.offset = offset;
	a->rio.io.length = length;
	a->rio.io.flags = flags;
	a->iov = (struct iovec){ a->words, length };
	a->rio.io.iov = &a->iov;
	a->rio.io.niov = 1;
	rig_submit(a->rig, a->loop, &a->rio);
}

static bool finished(struct actor *a)
{
	if (a->step++ < STEPS)
		return false;
	if (atomic_fetch_sub(&running, 1) == 1)
		loop_set_stop(a->rig->set);
	return true;
}

static uint32_t uniform(const struct actor *a, size_t bytes)
{
	for (size_t i = 1; i < bytes / 4; i++)
		GW_CHECK(a->words[i] == a->words[0]);
	return a->words[0];
}

static void fill(struct actor *a, size_t bytes)
{
	for (size_t i = 0; i < bytes / 4; i++)
		a->words[i] = a->step << 3 | a->loop << 1 | 1;
}

static void run_all(const struct gw_store_ops *ops, struct gw_store_args args,
		    void (*next)(struct actor *a), void (*done)(struct rig_io *rio))
{
	struct rig rig;

	assert_true(rig_loops(&rig, LOOPS, NULL));
	if (rig_open(&rig, ops, args))
		fail_msg("%s", rig.err.text);
	atomic_store(&running, LOOPS);
	for (unsigned i = 0; i < LOOPS; i++) {
		actors[i] = (struct actor){ .rig = &rig, .loop = i, .seed = i, .next = next };
		actors[i].start.run = begin;
		actors[i].rio.done = done;
		actors[i].rio.owner = &actors[i];
		loop_post(loop_set_get(rig.set, i), &actors[i].start);
	}
	assert_int_equal(loop_set_start(rig.set, &rig.err), 0);
	loop_set_run(rig.set);
	assert_int_equal(atomic_load(&running), 0);
	rig_close(&rig);
	rig_loops_end(&rig);
}

/* ---- neighbours --------------------------------------------------------- */

static uint64_t own_sector(const struct actor *a)
{
	return ((uint64_t)a->target * LOOPS + a->loop) * SECTOR;
}

static void neighbours_next(struct actor *a)
{
	if (finished(a))
		return;
	a->target = rig_random(&a->seed) % SECTORS;
	switch (rig_random(&a->seed) % 8) {
	case 0:
		a->want[a->target] = 0;
		go(a, GW_UNMAP, own_sector(a), SECTOR, 0);
		break;
	case 1:
		a->want[a->target] = 0;
		go(a, GW_ZERO, own_sector(a), SECTOR, a->step & 1 ? GW_NO_HOLE : 0);
		break;
	case 2:
	case 3:
	case 4:
		fill(a, SECTOR);
		a->want[a->target] = a->words[0];
		go(a, GW_WRITE, own_sector(a), SECTOR, 0);
		break;
	default:
		go(a, GW_READ, own_sector(a), SECTOR, 0);
	}
}

static void neighbours_done(struct rig_io *rio)
{
	struct actor *a = rio->owner;

	GW_CHECK(rio->status == GW_OK);
	if (rio->io.op == GW_READ)
		GW_CHECK(uniform(a, SECTOR) == a->want[a->target]);
	a->next(a);
}

static void neighbours_in_memory(void **state)
{
	(void)state;
	run_all(&st_memory_ops, (struct gw_store_args){ .target = "1G" }, neighbours_next,
		neighbours_done);
}

static void neighbours_in_a_file(void **state)
{
	struct gw_store_args args = { .target = rig_scratch("/dev/shm", "race.img") };

	(void)state;
	args.size_text = "1M";
	run_all(&st_file_ops, args, neighbours_next, neighbours_done);
	rig_scratch_end();
}

/* ---- pages -------------------------------------------------------------- */

static bool extents_add(struct gw_extents *sink, uint64_t length, uint32_t flags)
{
	struct rig_extents *found = (struct rig_extents *)(void *)sink;

	(void)flags;
	found->run[0].length += length;
	return true;
}

static void pages_next(struct actor *a)
{
	uint64_t at, n;

	if (finished(a))
		return;
	at = rig_random(&a->seed) % PAGES;
	n = 1 + rig_random(&a->seed) % (PAGES - at);
	a->found.run[0].length = 0;
	a->found.sink.add = extents_add;
	a->rio.io.extents = &a->found.sink;
	switch (rig_random(&a->seed) % 8) {
	case 0:
		go(a, GW_UNMAP, at * PAGE, n * PAGE, 0);
		break;
	case 1:
		go(a, GW_ZERO, at * PAGE, n * PAGE, a->step & 1 ? GW_NO_HOLE : 0);
		break;
	case 2:
		go(a, GW_EXTENTS, at * PAGE, n * PAGE, 0);
		break;
	case 3:
	case 4:
	case 5:
		fill(a, PAGE);
		go(a, GW_WRITE, at * PAGE, PAGE, 0);
		break;
	default:
		go(a, GW_READ, at * PAGE, PAGE, 0);
	}
}

static void pages_done(struct rig_io *rio)
{
	struct actor *a = rio->owner;

	GW_CHECK(rio->status == GW_OK);
	if (rio->io.op == GW_READ)
		GW_CHECK(!uniform(a, PAGE) || (a->words[0] & 1));
	if (rio->io.op == GW_EXTENTS)
		GW_CHECK(a->found.run[0].length == rio->io.length);
	a->next(a);
}

static void pages_in_memory(void **state)
{
	(void)state;
	run_all(&st_memory_ops, (struct gw_store_args){ .target = "1M" }, pages_next, pages_done);
}

HARNESS_MAIN(cmocka_unit_test(neighbours_in_memory), cmocka_unit_test(neighbours_in_a_file),
	     cmocka_unit_test(pages_in_memory))
