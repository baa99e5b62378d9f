/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The blocking file calls on a disk's file system and on tmpfs: open and its
 * sentences, zeroes and holes, extents, names.
 */
#include "config.h"

#include "tests/unit/gateway/loop/rig.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/loop/drv_dev.h"
#include "gateway/loop/drv_file.h"
#include "gateway/loop/drv_host_fs.h"

#define MIB (1 << 20)

const struct drv_ops *rig_driver = &drv_aio;

static struct drv_fs fs = { &drv_host_fs_ops };
static const char *const places[] = { "/var/tmp", "/dev/shm" };
static char *folder;
static char path[300];
static struct drv_file *file;

static void up(const char *place)
{
	struct gw_err err = GW_ERR_NONE;

	folder = rig_folder(place);
	assert_non_null(folder);
	snprintf(path, sizeof(path), "%s/image", folder);
	if (fs.ops->open(&fs, path, DRV_OPEN_WRITE | DRV_OPEN_CREATE, &file, &err))
		fail_msg("%s", err.text);
}

static void down(void)
{
	fs.ops->close(&fs, &file);
	assert_null(file);
	fs.ops->close(&fs, &file); /* null is harmless */
	rig_folder_remove(folder);
}

static void fill(void)
{
	char *buf = malloc(MIB);

	rig_fill(buf, MIB, 1);
	assert_int_equal(fs.ops->write(&fs, file, buf, MIB, 0), 0);
	free(buf);
}

/* Are exactly the bytes of [from, to) zero, and the others as they were? */
static void check_zero(uint64_t from, uint64_t to)
{
	char *buf = malloc(MIB), *was = malloc(MIB);
	size_t got = 0;

	rig_fill(was, MIB, 1);
	memset(was + from, 0, to - from);
	assert_int_equal(fs.ops->read(&fs, file, buf, MIB, 0, &got), 0);
	assert_int_equal(got, MIB);
	assert_memory_equal(buf, was, MIB);
	free(buf);
	free(was);
}

static void zeroes(void **state)
{
	static const struct {
		uint64_t from, to;
	} ranges[] = { { 65536, 131072 }, { 1, 2 }, { 4000, 300001 }, { 0, MIB } };

	(void)state;
	for (int p = 0; p < 2; p++) {
		for (int how = DRV_ALLOC_PUNCH; how <= DRV_ALLOC_FAST_ZERO; how++) {
			for (int r = 0; r < 4; r++) {
				struct drv_stat st;

				up(places[p]);
				fill();
				assert_int_equal(fs.ops->allocate(&fs, file, (enum drv_alloc)how,
								  ranges[r].from,
								  ranges[r].to - ranges[r].from),
						 0);
				check_zero(ranges[r].from, ranges[r].to);
				assert_int_equal(fs.ops->stat(&fs, file, &st), 0);
				assert_int_equal(st.size_bytes, MIB);
				if (r == 3 && how == DRV_ALLOC_PUNCH)
					assert_in_range(st.allocated_bytes, 0, 16384);
				if (r == 3 && how == DRV_ALLOC_ZERO_KEEP)
					assert_in_range(st.allocated_bytes, MIB, 2 * MIB);
				down();
			}
		}
	}
}

static void nothing_to_zero(void **state)
{
	(void)state;
	up(places[0]);
	fill();
	assert_int_equal(fs.ops->allocate(&fs, file, DRV_ALLOC_ZERO, 5, 0), 0);
	check_zero(0, 0);
	down();
}

static void extents(void **state)
{
	uint64_t at;

	(void)state;
	for (int p = 0; p < 2; p++) {
		up(places[p]);
		assert_int_equal(fs.ops->truncate(&fs, file, 4 * MIB), 0);
		at = 7;
		assert_int_equal(fs.ops->seek(&fs, file, DRV_SEEK_DATA, 0, &at), -ENXIO);
		assert_int_equal(at, 7); /* untouched */
		assert_int_equal(fs.ops->write(&fs, file, "x", 1, 2 * MIB), 0);
		assert_int_equal(fs.ops->seek(&fs, file, DRV_SEEK_DATA, 0, &at), 0);
		assert_int_equal(at, 2 * MIB);
		assert_int_equal(fs.ops->seek(&fs, file, DRV_SEEK_HOLE, at, &at), 0);
		assert_in_range(at, 2 * MIB + 1, 4 * MIB);
		assert_int_equal(fs.ops->seek(&fs, file, DRV_SEEK_DATA, at, &at), -ENXIO);
		assert_int_equal(fs.ops->seek(&fs, file, DRV_SEEK_HOLE, 4 * MIB, &at), -ENXIO);
		down();
	}
}

static void facts(void **state)
{
	struct drv_stat st;

	(void)state;
	for (int p = 0; p < 2; p++) {
		up(places[p]);
		fill();
		assert_int_equal(fs.ops->stat(&fs, file, &st), 0);
		assert_true(st.is_regular && !st.is_block && !st.read_only);
		assert_int_equal(st.size_bytes, MIB);
		assert_int_not_equal(st.discard_max_bytes, 0);
		assert_int_not_equal(st.zero_max_bytes, 0);
		assert_true(st.volatile_cache);
		assert_int_equal(fs.ops->truncate(&fs, file, 10), 0);
		assert_int_equal(fs.ops->stat(&fs, file, &st), 0);
		assert_int_equal(st.size_bytes, 10);
		assert_int_equal(fs.ops->prefetch(&fs, file, 0, 10), 0);
		down();
	}
}

static void refuse(const char *name, unsigned flags, int errnum, const char *says)
{
	struct gw_err err = GW_ERR_NONE;
	struct drv_file *none = NULL;

	assert_int_equal(fs.ops->open(&fs, name, flags, &none, &err), -errnum);
	assert_null(none);
	if (!strstr(err.text, says) || !strstr(err.text, name))
		fail_msg("%s", err.text);
}

static void what_cannot_be_opened(void **state)
{
	char name[400];

	(void)state;
	up(places[0]);
	refuse("/nowhere/at/all", 0, ENOENT, "cannot open /nowhere/at/all: No such file");
	refuse(folder, 0, EISDIR, "is a folder");
	refuse(folder, DRV_OPEN_WRITE, EISDIR, "");
	refuse(path, DRV_OPEN_WRITE | DRV_OPEN_CREATE | DRV_OPEN_EXCLUSIVE, EEXIST, "exists");
	refuse("/dev/null", 0, EINVAL, "neither a file nor a block device");
	snprintf(name, sizeof(name), "%s/pipe", folder);
	assert_int_equal(mkfifo(name, 0600), 0);
	refuse(name, 0, EINVAL, "neither a file nor a block device"); /* does not hang */
	if (getuid()) {
		assert_int_equal(chmod(path, 0400), 0);
		refuse(path, DRV_OPEN_WRITE, EACCES, "for writing: Permission denied");
	}
	down();
}

static int names_seen;

static void see(void *arg, const char *name)
{
	(void)arg;
	assert_true(!strcmp(name, "image") || !strcmp(name, "sub"));
	names_seen++;
}

static void names(void **state)
{
	char sub[300], other[300];

	(void)state;
	up(places[0]);
	snprintf(sub, sizeof(sub), "%.200s/sub", folder);
	snprintf(other, sizeof(other), "%.200s/other", folder);
	assert_int_equal(fs.ops->make_dir(&fs, sub), 0);
	assert_int_equal(fs.ops->make_dir(&fs, sub), 0);
	assert_int_equal(fs.ops->make_dir(&fs, path), -ENOTDIR);
	names_seen = 0;
	assert_int_equal(fs.ops->list_dir(&fs, folder, see, NULL), 0);
	assert_int_equal(names_seen, 2);
	assert_int_equal(fs.ops->list_dir(&fs, other, see, NULL), -ENOENT);
	assert_int_equal(fs.ops->rename(&fs, path, other), 0);
	assert_int_equal(fs.ops->rename(&fs, path, other), -ENOENT);
	assert_int_equal(fs.ops->sync_dir(&fs, folder), 0);
	assert_int_equal(fs.ops->sync_dir(&fs, other), -ENOTDIR);
	assert_int_equal(fs.ops->remove(&fs, other), 0);
	assert_int_equal(fs.ops->remove(&fs, other), -ENOENT);
	down();
}

static void reads_at_the_end(void **state)
{
	char buf[100];
	size_t got = 55;

	(void)state;
	up(places[0]);
	assert_int_equal(fs.ops->write(&fs, file, "hello", 5, 3), 0);
	assert_int_equal(fs.ops->read(&fs, file, buf, sizeof(buf), 0, &got), 0);
	assert_int_equal(got, 8);
	assert_memory_equal(buf, "\0\0\0hello", 8);
	assert_int_equal(fs.ops->read(&fs, file, buf, sizeof(buf), 8, &got), 0);
	assert_int_equal(got, 0);
	assert_int_equal(fs.ops->sync(&fs, file), 0);
	down();
}

static void who_answers_for_devices(void **state)
{
	static const char *const remote[] = { "nbd0", "nbd15p1", "rbd3", "drbd1000", "ublkb0" };
	static const char *const local[] = { "sda", "sda1", "nvme0n1p2", "dm-0",  "md127", "loop0",
					     "vda", "nbd",  "nbdx0",	 "zram0", "" };

	(void)state;
	for (unsigned i = 0; i < sizeof(remote) / sizeof(remote[0]); i++)
		assert_true(drv_dev_name_is_remote(remote[i]));
	for (unsigned i = 0; i < sizeof(local) / sizeof(local[0]); i++)
		assert_false(drv_dev_name_is_remote(local[i]));
	assert_false(drv_dev_is_remote(-1));
	up(places[0]);
	assert_false(drv_dev_is_remote(file->fd)); /* no device */
	down();
}

HARNESS_MAIN(cmocka_unit_test(zeroes), cmocka_unit_test(nothing_to_zero), cmocka_unit_test(extents),
	     cmocka_unit_test(facts), cmocka_unit_test(what_cannot_be_opened),
	     cmocka_unit_test(names), cmocka_unit_test(reads_at_the_end),
	     cmocka_unit_test(who_answers_for_devices))
