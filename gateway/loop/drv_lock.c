/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The lock on an image (drv_lock.h).
 *
 * How qemu's raw format locks (its block/file-posix.c): for each permission
 * bit that a user of the image uses, it holds a shared OFD lock on byte 100 +
 * bit; for each that it does not want others to use, one on byte 200 + bit.
 * Having taken its own, it looks whether anybody holds 200 + a bit that it
 * uses, or 100 + a bit that it does not share, and if so gives up.  All locks
 * are shared ones; the conflict lies in the looking.  We do the same.
 *
 *	bit             0: consistent read  1: write  2: write unchanged  3: resize
 *	we, writing     used                used      used                used
 *	we, reading     used
 *	not shared                          both      both                both
 */
#include "config.h"

#include "gateway/loop/drv_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "gateway/base/str.h"
#include "gateway/loop/drv_holder.h"

#define QEMU_USED 100
#define QEMU_UNSHARED 200
#define QEMU_BITS 8 /* qemu has five today */

enum qemu_use {
	QEMU_READ = 1 << 0,
	QEMU_WRITE = 1 << 1,
	QEMU_WRITE_SAME = 1 << 2,
	QEMU_RESIZE = 1 << 3,
	QEMU_CHANGE = QEMU_WRITE | QEMU_WRITE_SAME | QEMU_RESIZE
};

static struct flock byte_lock(int type, int byte)
{
	return (struct flock){ .l_type = (short)type, .l_start = byte, .l_len = 1 };
}

static int take_bytes(int fd, unsigned bits, int base)
{
	for (int i = 0; i < QEMU_BITS; i++) {
		struct flock lock = byte_lock(F_RDLCK, base + i);

		if ((bits & 1U << i) && fcntl(fd, F_OFD_SETLK, &lock))
			return -errno;
	}
	return 0;
}

/* True: another open file holds one of these bytes. */
static bool somebody_has(int fd, unsigned bits, int base)
{
	for (int i = 0; i < QEMU_BITS; i++) {
		struct flock lock = byte_lock(F_WRLCK, base + i);

		if (!(bits & 1U << i))
			continue;
		if (!fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK)
			return true;
	}
	return false;
}

static int take_qemu(int fd, bool exclusive)
{
	unsigned uses = exclusive ? QEMU_READ | QEMU_CHANGE : QEMU_READ;
	int rc = take_bytes(fd, uses, QEMU_USED);

	if (!rc)
		rc = take_bytes(fd, QEMU_CHANGE, QEMU_UNSHARED);
	if (!rc &&
	    (somebody_has(fd, uses, QEMU_UNSHARED) || somebody_has(fd, QEMU_CHANGE, QEMU_USED)))
		rc = -EWOULDBLOCK;
	return rc;
}

static bool is_conflict(int rc)
{
	return rc == -EWOULDBLOCK || rc == -EACCES;
}

static int take_flock(int fd, bool exclusive)
{
	while (flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB))
		if (errno != EINTR)
			return -errno;
	return 0;
}

/* A file system without locks has nobody to be kept out by them. */
static bool try_both(int fd, bool exclusive)
{
	int rc = take_flock(fd, exclusive);

	if (!is_conflict(rc))
		rc = take_qemu(fd, exclusive);
	if (!is_conflict(rc))
		return true;
	drv_lock_drop(fd);
	return false;
}

int drv_lock_take(int fd, const char *path, bool exclusive, struct gw_err *err)
{
	unsigned waited_ms = 0;
	char who[160];
	struct stat st;

	while (!try_both(fd, exclusive)) {
		struct str s = STR_IN(who);

		if (fstat(fd, &st) || drv_holder_lock(&s, &st) || !drv_holder_wait(&waited_ms))
			return gw_err_set(err, EWOULDBLOCK, "%s is locked by %s", path, who);
	}
	return 0;
}

void drv_lock_drop(int fd)
{
	struct flock all = byte_lock(F_UNLCK, QEMU_USED);

	all.l_len = QEMU_UNSHARED + QEMU_BITS - QEMU_USED;
	fcntl(fd, F_OFD_SETLK, &all);
	flock(fd, LOCK_UN);
}
