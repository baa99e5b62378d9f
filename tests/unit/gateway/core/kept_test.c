/* SPDX-License-Identifier: BSD-3-Clause
 *
 * kept_test.c - the keeper of a volume behind the loops: where its file lies, one commit
 * after the other, and what a commit that fails leaves.  Files are the simulation's, so
 * folders must be there and a sync can fail.  The file itself is keep_test.c's.
 */
#include "config.h"

#include "gateway/api/kept.h"

#include <errno.h>
#include <string.h>

#include "tests/sim/sim_disk_fs.h"
#include "tests/unit/gateway/core/core_rig.h"

#define FOLDER "var/lib/sluice"

struct kept {
	struct rig rig;
	struct sim_world *world;
	struct sim_disk *disk;
	struct fake_store *fake;
	struct gw_volume *volume;
};

/* ---- a gateway over files that outlive it ----------------------------------- */

static void start(struct kept *k, const char *folder)
{
	struct gw_err err = { 0 };

	fake_store_forget_all();
	k->fake = fake_store_new("v", 1 << 20);
	rig_begin(&k->rig, 2, 1, NULL);
	drv_hand_use_fs(&k->disk->fs);
	if (folder)
		assert_int_equal(gw_state_in(k->rig.gw, folder, &err), 0);
	rig_up(&k->rig, "v", 512);
	k->volume = k->rig.volume;
}

static void stop(struct kept *k)
{
	rig_down(&k->rig, "v");
	rig_end(&k->rig);
	fake_store_free(&k->fake);
}

static void begin(struct kept *k, const char *folder)
{
	k->world = sim_world_new(1);
	k->disk = sim_disk_new(k->world);
	k->disk->fs.ops = &sim_disk_fs_ops;
	start(k, folder);
}

static void end(struct kept *k)
{
	stop(k);
	sim_disk_free(&k->disk);
	sim_world_free(&k->world);
}

static void open_it(struct kept *k)
{
	struct gw_err err = { 0 };

	if (gw_kept_open(k->volume, &err))
		fail_msg("%s", err.text);
}

static void again(struct kept *k)
{
	stop(k);
	start(k, FOLDER);
	open_it(k);
}

/* ---- a set ------------------------------------------------------------------ */

struct set {
	struct gw_kept_op op;
	struct kept *kept;
	unsigned ended; /* its place among those that have ended; 0: it has not */
	struct set *then; /* set inside done() */
};

static unsigned ends;

static void done(struct gw_kept_op *op)
{
	struct set *set = op->owner;

	assert_int_equal(set->ended, 0);
	set->ended = ++ends;
	if (set->then)
		gw_kept_set(set->kept->volume, &set->then->op);
}

static struct set make(struct kept *k, const char *key, const char *value)
{
	return (struct set){ .op = { .key = key,
				     .value = value,
				     .bytes = value ? strlen(value) : 0,
				     .done = done },
			     .kept = k };
}

static void submit(struct set *set)
{
	set->op.owner = set;
	gw_kept_set(set->kept->volume, &set->op);
	assert_int_equal(set->ended, 0); /* never from inside */
}

static int keep(struct kept *k, const char *key, const char *value)
{
	struct set set = make(k, key, value);

	submit(&set);
	rig_settle(&k->rig);
	assert_true(set.ended);
	return set.op.rc;
}

static void expect(struct kept *k, const char *key, const char *value)
{
	size_t bytes = 0;
	const void *at = gw_kept_get(k->volume, key, &bytes);

	if (!value) {
		assert_null(at);
		return;
	}
	assert_non_null(at);
	assert_int_equal(bytes, strlen(value));
	assert_memory_equal(at, value, bytes);
}

/* ---- where it lies ------------------------------------------------------------ */

static void no_folder(void **state)
{
	struct gw_err err = { 0 };
	struct kept k;

	begin(&k, NULL);
	assert_int_equal(gw_kept_open(k.volume, &err), -ENOENT);
	assert_string_equal(err.text, "there is no folder for what must survive restarts");
	end(&k);
}

static void folders_are_made(void **state)
{
	struct kept k;

	begin(&k, FOLDER);
	open_it(&k);
	open_it(&k); /* it is open */
	assert_true(sim_disk_find(k.disk, "var")->is_dir);
	assert_true(sim_disk_find(k.disk, "var/lib")->is_dir);
	assert_true(sim_disk_find(k.disk, FOLDER)->is_dir);
	expect(&k, "aoe", NULL);
	again(&k); /* they are there */
	expect(&k, "aoe", NULL);
	end(&k);
}

static void a_file_in_the_way(void **state)
{
	struct gw_err err = { 0 };
	struct kept k;

	begin(&k, FOLDER);
	sim_disk_make(k.disk, "var", false);
	assert_int_equal(gw_kept_open(k.volume, &err), -EEXIST);
	assert_string_equal(err.text, FOLDER ": the folder cannot be made: File exists");
	end(&k);
}

static void a_path_too_long(void **state)
{
	struct gw_err err = { 0 };
	char path[5000];
	struct kept k;

	begin(&k, NULL);
	memset(path, 'f', sizeof(path));
	path[sizeof(path) - 1] = 0;
	assert_int_equal(gw_state_in(k.rig.gw, path, &err), -ENAMETOOLONG);
	assert_int_equal(err.text[0], 'f'); /* the path, as far as it goes */
	end(&k);
}

/* ---- one after the other ------------------------------------------------------ */

static void set_and_get(void **state)
{
	struct kept k;

	begin(&k, FOLDER);
	open_it(&k);
	assert_int_equal(keep(&k, "aoe", "one"), 0);
	expect(&k, "aoe", "one");
	again(&k);
	expect(&k, "aoe", "one");
	assert_int_equal(keep(&k, "aoe", NULL), 0);
	expect(&k, "aoe", NULL);
	again(&k);
	expect(&k, "aoe", NULL);
	end(&k);
}

static void queued(void **state)
{
	struct set a, b, c, d;
	struct kept k;

	begin(&k, FOLDER);
	open_it(&k);
	a = make(&k, "aoe", "first");
	b = make(&k, "aoe", "second");
	c = make(&k, "pr", "other");
	d = make(&k, "aoe", "from inside");
	d.op.owner = &d;
	b.then = &d;
	ends = 0;
	submit(&a);
	submit(&b);
	submit(&c);
	rig_settle(&k.rig);
	assert_int_equal(a.ended, 1);
	assert_int_equal(b.ended, 2);
	assert_int_equal(c.ended, 3);
	assert_int_equal(d.ended, 4);
	expect(&k, "aoe", "from inside");
	again(&k);
	expect(&k, "aoe", "from inside");
	expect(&k, "pr", "other");
	end(&k);
}

/* ---- what fails --------------------------------------------------------------- */

/* Refused is refused: not read, and not written with the next one that is kept. */
static void a_commit_fails(void **state)
{
	struct set bad, good;
	struct kept k;

	begin(&k, FOLDER);
	open_it(&k);
	assert_int_equal(keep(&k, "aoe", "old"), 0);
	bad = make(&k, "aoe", "new, and longer");
	good = make(&k, "pr", "other");
	k.disk->fail_next[DRV_SYNC] = EIO;
	submit(&bad);
	submit(&good);
	rig_settle(&k.rig);
	assert_int_equal(bad.op.rc, -EIO);
	assert_non_null(strstr(bad.op.err.text, "cannot be written: Input/output error"));
	assert_int_equal(good.op.rc, 0);
	expect(&k, "aoe", "old");
	again(&k);
	expect(&k, "aoe", "old");
	expect(&k, "pr", "other");
	end(&k);
}

static void the_first_commit_fails(void **state)
{
	struct kept k;

	begin(&k, FOLDER);
	open_it(&k);
	k.disk->fail_next[DRV_SYNC] = EIO;
	assert_int_equal(keep(&k, "aoe", "new"), -EIO);
	expect(&k, "aoe", NULL);
	k.disk->fail_next[DRV_SYNC] = EIO;
	assert_int_equal(keep(&k, "aoe", NULL), -EIO);
	assert_int_equal(keep(&k, "aoe", "third"), 0);
	again(&k);
	expect(&k, "aoe", "third");
	end(&k);
}

static void too_much(void **state)
{
	struct kept k;
	struct set set;
	char *big = calloc(1, GW_KEEP_VALUE_MAX + 1);

	assert_non_null(big);
	begin(&k, FOLDER);
	open_it(&k);
	assert_int_equal(keep(&k, "aoe", "old"), 0);
	set = make(&k, "aoe", "");
	set.op.value = big;
	set.op.bytes = GW_KEEP_VALUE_MAX + 1;
	submit(&set);
	rig_settle(&k.rig);
	assert_int_equal(set.op.rc, -E2BIG);
	assert_non_null(strstr(set.op.err.text, "aoe: cannot be kept"));
	expect(&k, "aoe", "old");
	end(&k);
	free(big);
}

HARNESS_MAIN(cmocka_unit_test(no_folder), cmocka_unit_test(folders_are_made),
	     cmocka_unit_test(a_file_in_the_way), cmocka_unit_test(a_path_too_long),
	     cmocka_unit_test(set_and_get), cmocka_unit_test(queued),
	     cmocka_unit_test(a_commit_fails), cmocka_unit_test(the_first_commit_fails),
	     cmocka_unit_test(too_much))
