/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_block_test.c - block devices: what is refused, by a pretended device, and
 * the rest on a real one over a file, where root may have it.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/scope.h"
#include "gateway/loop/drv_fs.h"
#include "tests/harness/harness.h"
#include "tests/unit/plugins/loop_device.h"
#include "tests/unit/plugins/store_rig.h"

#define KIB 1024u
#define BYTES (4u << 20)

extern const struct gw_store_ops st_block_ops;

static struct rig rig;
static uint8_t bytes[64 * KIB], got[64 * KIB];

/* ---- a pretended device ------------------------------------------------- */

static struct {
	struct drv_fs fs;
	struct drv_stat st;
	unsigned flags; /* of the last open of a device */
	unsigned opens, locks;
	int exclusive_rc;
} fake;

static int fake_open(struct drv_fs *fs, const char *path, unsigned flags, struct drv_file **out,
		     struct gw_err *err)
{
	(void)fs;
	if (strcmp(path, "/dev/sda"))
		return -ENOENT;
	if (flags & DRV_OPEN_EXCLUSIVE && fake.exclusive_rc)
		return gw_err_set(err, -fake.exclusive_rc, "%s: mounted on /x", path);
	fake.flags = flags;
	fake.opens++;
	*out = (struct drv_file *)(void *)&fake;
	return 0;
}

static void fake_close(struct drv_fs *fs, struct drv_file **file)
{
	(void)fs;
	fake.opens--;
	*file = NULL;
}

static int fake_stat(struct drv_fs *fs, struct drv_file *file, struct drv_stat *out)
{
	(void)fs;
	assert_ptr_equal(file, &fake);
	*out = fake.st;
	return 0;
}

static int fake_lock(struct drv_fs *fs, struct drv_file *file, bool exclusive, struct gw_err *err)
{
	(void)fs;
	(void)file;
	(void)err;
	fake.locks += exclusive ? 100 : 1;
	return 0;
}

static const struct drv_fs_ops fake_ops = {
	.open = fake_open, .close = fake_close, .stat = fake_stat, .lock = fake_lock
};

static int begin_fake(void **state)
{
	(void)state;
	memset(&fake, 0, sizeof(fake));
	fake.fs.ops = &fake_ops;
	fake.st = (struct drv_stat){ .size_bytes = 1 << 30, .is_block = true };
	fake.st.logical_block_bytes = 512;
	fake.st.physical_block_bytes = 4096;
	return 0;
}

static int try_fake(bool read_only, struct gw_store_info *info, struct gw_err *err)
{
	struct gw_store_args args = { .target = "/dev/sda", .read_only = read_only };
	struct gw_store *store = NULL;
	int rc;

	args.fs = &fake.fs;
	rc = st_block_ops.open(&args, &store, info, err);
	assert_true(!rc == !!store);
	st_block_ops.close(&store);
	assert_int_equal(fake.opens, 0);
	return rc;
}

static void refuse_fake(bool read_only, int errnum, const char *words)
{
	struct gw_store_info info;
	struct gw_err err = GW_ERR_NONE;

	assert_int_equal(try_fake(read_only, &info, &err), -errnum);
	if (!strstr(err.text, words) || !strstr(err.text, "/dev/sda"))
		fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void what_is_refused(void **state)
{
	(void)state;
	fake.st.zoned = true;
	refuse_fake(false, ENOTSUP, "zoned");
	fake.st.zoned = false;
	fake.st.size_bytes = 0;
	refuse_fake(false, ENOMEDIUM, "no medium");
	fake.st.size_bytes = 1 << 20;
	fake.st.read_only = true;
	refuse_fake(false, EROFS, "--read-only");
	fake.st.is_block = false;
	refuse_fake(true, ENOTBLK, "not a block device");
	fake.st.is_block = fake.st.read_only = true;
	fake.exclusive_rc = -EBUSY;
	refuse_fake(false, EBUSY, "mounted on /x");
	refuse_fake(true, EBUSY, "mounted on /x"); /* whoever has it may be writing */
}

static void readers_and_writers(void **state)
{
	struct gw_store_info info;

	(void)state;
	assert_int_equal(try_fake(false, &info, NULL), 0);
	assert_int_equal(fake.flags, DRV_OPEN_WRITE | DRV_OPEN_EXCLUSIVE);
	assert_int_equal(fake.locks, 100);
	assert_false(info.read_only);
	assert_int_equal(try_fake(true, &info, NULL), 0);
	assert_int_equal(fake.locks, 101);
	assert_true(info.read_only);
}

static void facts_of_the_device(void **state)
{
	struct gw_store_info info;

	(void)state;
	assert_int_equal(try_fake(false, &info, NULL), 0);
	assert_int_equal(info.block_bytes, 512);
	assert_int_equal(info.optimal_bytes, 4096);
	assert_false(info.fast_zero);
	assert_false(info.rotational);
	assert_false(info.can & GW_STORE_CAN(GW_UNMAP));
	assert_false(info.can & GW_STORE_CAN(GW_EXTENTS));
	fake.st.zero_max_bytes = 1 << 20;
	fake.st.rotational = true;
	assert_int_equal(try_fake(false, &info, NULL), 0);
	assert_true(info.fast_zero && info.rotational);
	assert_false(info.can & GW_STORE_CAN(GW_UNMAP)); /* nothing to deallocate by */
	fake.st.discard_max_bytes = 1 << 20;
	fake.st.discard_granularity_bytes = 65536;
	fake.st.io_opt_bytes = 262144;
	assert_int_equal(try_fake(false, &info, NULL), 0);
	assert_true(info.can & GW_STORE_CAN(GW_UNMAP));
	assert_int_equal(info.unmap_granularity_bytes, 65536);
	assert_int_equal(info.optimal_bytes, 262144);
	fake.st.zero_max_bytes = 0; /* a discard alone does not promise zeroes */
	assert_int_equal(try_fake(false, &info, NULL), 0);
	assert_false(info.can & GW_STORE_CAN(GW_UNMAP));
}

/* ---- a real one --------------------------------------------------------- */

static const char *device;

static bool have_device(unsigned block)
{
	device = loop_device_make("/var/tmp", BYTES, block);
	if (!device)
		print_message("# skipped: %s\n", loop_device_why());
	else if (!rig_loops(&rig, 1, NULL))
		fail_msg("%s", rig.err.text);
	return device;
}

static void serve(bool direct)
{
	struct gw_store_args args = { .target = device, .direct = direct };

	if (rig_open(&rig, &st_block_ops, args))
		fail_msg("%s", rig.err.text);
}

static void drop_device(void)
{
	rig_loops_end(&rig);
	loop_device_drop();
}

static void reads_and_writes(void **state)
{
	(void)state;
	if (!have_device(4096))
		return;
	serve(false);
	assert_int_equal(rig.info.size_bytes, BYTES);
	assert_int_equal(rig.info.block_bytes, 4096);
	assert_int_equal(rig.info.align_bytes, 1);
	assert_true(rig.info.volatile_cache);
	memset(bytes, 0x77, sizeof(bytes));
	assert_int_equal(rig_write(&rig, BYTES - sizeof(bytes), bytes, sizeof(bytes), 0), GW_OK);
	assert_int_equal(rig_write(&rig, 4095, bytes, 4098, GW_FUA), GW_OK);
	assert_int_equal(rig_range(&rig, GW_FLUSH, 0, 0, 0), GW_OK);
	rig_close(&rig);
	serve(true);
	assert_int_equal(rig.info.align_bytes, 4096);
	assert_int_equal(rig_range(&rig, GW_UNMAP, 8192, 8192, 0), GW_OK);
	rig_close(&rig);
	serve(false);
	assert_int_equal(rig_read(&rig, 0, got, sizeof(got)), GW_OK);
	assert_int_equal(got[4094] | got[8193], 0);
	assert_int_equal(got[4095], 0x77);
	assert_int_equal(got[8191], 0x77);
	rig_close(&rig);
	drop_device();
}

static bool is_below(void)
{
	loop_device_below(0, got, sizeof(got));
	return !memcmp(got, bytes, sizeof(got));
}

/* A device's node lives on a file system in memory; what is in the device does not. */
static void a_flush_reaches_it(void **state)
{
	(void)state;
	if (!have_device(512))
		return;
	serve(false);
	memset(bytes, 0x78, sizeof(bytes));
	assert_int_equal(rig_write(&rig, 0, bytes, sizeof(bytes), 0), GW_OK);
	assert_false(is_below()); /* or nothing here says anything */
	assert_int_equal(rig_range(&rig, GW_FLUSH, 0, 0, 0), GW_OK);
	assert_true(is_below());
	rig_close(&rig);
	drop_device();
}

static void unmap_reads_zero(void **state)
{
	(void)state;
	if (!have_device(512))
		return;
	serve(false);
	memset(bytes, 0x77, sizeof(bytes));
	if (rig.info.can & GW_STORE_CAN(GW_UNMAP)) {
		assert_int_equal(rig_write(&rig, 0, bytes, sizeof(bytes), 0), GW_OK);
		/* Edges inside a block as well. */
		assert_int_equal(rig_range(&rig, GW_UNMAP, 100, 5000, 0), GW_OK);
		assert_int_equal(rig_read(&rig, 0, got, 8192), GW_OK);
		assert_int_equal(got[99], 0x77);
		for (unsigned i = 100; i < 5100; i++)
			assert_int_equal(got[i], 0);
		assert_int_equal(got[5100], 0x77);
	}
	rig_close(&rig);
	drop_device();
}

static void in_use(void **state)
{
	struct gw_store_args args = { 0 };
	int fd;

	(void)state;
	if (!have_device(512))
		return;
	args.target = device;
	fd = open(device, O_RDWR | O_EXCL | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(rig_open(&rig, &st_block_ops, args), -EBUSY);
	assert_non_null(strstr(rig.err.text, device));
	args.read_only = true;
	assert_int_equal(rig_open(&rig, &st_block_ops, args), -EBUSY);
	close(fd);
	assert_int_equal(rig_open(&rig, &st_block_ops, args), 0);
	rig_close(&rig);
	drop_device();
}

static void write_protected(void **state)
{
	struct gw_store_args args = { 0 };
	int on = 1, off = 0, fd;

	(void)state;
	if (!have_device(512))
		return;
	args.target = device;
	fd = open(device, O_RDONLY | O_CLOEXEC);
	assert_int_equal(ioctl(fd, BLKROSET, &on), 0);
	assert_true(rig_open(&rig, &st_block_ops, args) < 0);
	args.read_only = true;
	assert_int_equal(rig_open(&rig, &st_block_ops, args), 0);
	assert_true(rig.info.read_only);
	rig_close(&rig);
	assert_int_equal(ioctl(fd, BLKROSET, &off), 0); /* the number is used again */
	close(fd);
	drop_device();
}

static void another_size(void **state)
{
	(void)state;
	if (!have_device(512))
		return;
	serve(false);
	loop_device_resize(BYTES * 2);
	assert_int_equal(rig.ops->refresh(rig.store, &rig.info, &rig.err), 0);
	assert_int_equal(rig.info.size_bytes, BYTES * 2);
	assert_int_equal(rig_read(&rig, BYTES * 2 - 4096, got, 4096), GW_OK);
	loop_device_resize(BYTES / 2);
	assert_int_equal(rig_read(&rig, BYTES / 2, got, 4096), GW_MEDIUM_ERROR);
	assert_true(rig_write(&rig, BYTES / 2, bytes, 4096, 0) != GW_OK);
	assert_int_equal(rig.ops->refresh(rig.store, &rig.info, &rig.err), 0);
	assert_int_equal(rig.info.size_bytes, BYTES / 2);
	rig_close(&rig);
	drop_device();
}

#define FAKE(fn) cmocka_unit_test_setup(fn, begin_fake)

HARNESS_MAIN(FAKE(what_is_refused), FAKE(readers_and_writers), FAKE(facts_of_the_device),
	     cmocka_unit_test(reads_and_writes), cmocka_unit_test(a_flush_reaches_it),
	     cmocka_unit_test(unmap_reads_zero), cmocka_unit_test(in_use),
	     cmocka_unit_test(write_protected), cmocka_unit_test(another_size))
