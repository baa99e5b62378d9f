/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Facts about a file or block device (drv_dev.h).  Queue limits stand in sysfs
 * under the whole disk; a partition's folder has a parent to look in.  What is
 * read is a table, so that a new fact is a row.
 */
#include "config.h"

#include "gateway/loop/drv_dev.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "gateway/base/scope.h"
#include "gateway/base/str.h"
#include "gateway/base/table.h"

/* A regular file takes any length at once; its file system splits. */
#define FILE_MAX_BYTES INT64_MAX
/* Devices on devices on devices. */
#define SLAVES_DEEP 8

struct fact {
	const char *file;
	size_t offset;
	uint8_t width; /* bytes of the member */
	uint32_t unit; /* bytes in one */
};

#define FACT(file, member, unit)                                                                 \
	{                                                                                        \
		file, offsetof(struct drv_stat, member), sizeof(((struct drv_stat *)0)->member), \
			unit                                                                     \
	}

static const struct fact facts[] = {
	FACT("queue/logical_block_size", logical_block_bytes, 1),
	FACT("queue/physical_block_size", physical_block_bytes, 1),
	FACT("queue/minimum_io_size", io_min_bytes, 1),
	FACT("queue/optimal_io_size", io_opt_bytes, 1),
	FACT("queue/discard_granularity", discard_granularity_bytes, 1),
	FACT("queue/discard_max_bytes", discard_max_bytes, 1),
	FACT("queue/write_zeroes_max_bytes", zero_max_bytes, 1),
	FACT("queue/max_sectors_kb", transfer_max_bytes, 1024),
	FACT("queue/rotational", rotational, 1),
	FACT("discard_alignment", discard_alignment_bytes, 1),
};

/* The first line of a device's attribute; false where there is none. */
static bool read_line(dev_t device, const char *parent, const char *file, char *line, int size)
{
	char path[128];
	scope_file FILE *f = NULL;

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s%s", major(device), minor(device),
		 parent, file);
	f = fopen(path, "re");
	return f && fgets(line, size, f);
}

static bool attribute(dev_t device, const char *file, char *line, int size)
{
	return read_line(device, "", file, line, size) ||
	       read_line(device, "../", file, line, size);
}

static void put(struct drv_stat *out, const struct fact *fact, uint64_t value)
{
	char *at = (char *)out + fact->offset;

	if (fact->width == sizeof(bool))
		*(bool *)at = value;
	else if (fact->width == sizeof(uint32_t))
		*(uint32_t *)at = value > UINT32_MAX ? UINT32_MAX : (uint32_t)value;
	else
		*(uint64_t *)at = value;
}

static void read_facts(dev_t device, struct drv_stat *out)
{
	char line[64];

	for (size_t i = 0; i < TABLE_LEN(facts); i++) {
		unsigned long long value;

		if (attribute(device, facts[i].file, line, sizeof(line)) &&
		    sscanf(line, "%llu", &value) == 1)
			put(out, &facts[i], value * facts[i].unit);
	}
	if (attribute(device, "queue/write_cache", line, sizeof(line)))
		out->volatile_cache = !strncmp(line, "write back", 10);
	if (attribute(device, "queue/zoned", line, sizeof(line)))
		out->zoned = strncmp(line, "none", 4) != 0;
}

static int stat_block(int fd, const struct stat *st, struct drv_stat *out)
{
	uint64_t size;
	int read_only = 0;

	if (ioctl(fd, BLKGETSIZE64, &size))
		return -errno;
	out->is_block = true;
	out->size_bytes = size;
	read_facts(st->st_rdev, out);
	if (!out->logical_block_bytes)
		out->logical_block_bytes = 512;
	out->direct_align_bytes = out->logical_block_bytes;
	if (!ioctl(fd, BLKROGET, &read_only) && read_only)
		out->read_only = true;
	return 0;
}

/* What O_DIRECT asks for on this file: the kernel says so since 6.1. */
static uint32_t direct_alignment(int fd, uint32_t otherwise)
{
#ifdef STATX_DIOALIGN
	struct statx stx;

	if (!statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &stx) &&
	    (stx.stx_mask & STATX_DIOALIGN)) {
		if (stx.stx_dio_mem_align > stx.stx_dio_offset_align)
			return stx.stx_dio_mem_align;
		return stx.stx_dio_offset_align;
	}
#else
	(void)fd;
#endif
	return otherwise;
}

static void stat_regular(int fd, const struct stat *st, struct drv_stat *out)
{
	uint32_t disk_block;

	read_facts(st->st_dev, out); /* of the disk below, where there is one */
	disk_block = out->logical_block_bytes ? out->logical_block_bytes : 4096;
	out->is_regular = true;
	out->size_bytes = (uint64_t)st->st_size;
	out->allocated_bytes = (uint64_t)st->st_blocks * 512;
	out->direct_align_bytes = direct_alignment(fd, disk_block);
	/* A file has no blocks of its own: any byte may be written. */
	out->logical_block_bytes = 0;
	out->physical_block_bytes = (uint32_t)st->st_blksize;
	out->io_min_bytes = (uint32_t)st->st_blksize;
	out->io_opt_bytes = 0;
	out->discard_granularity_bytes = (uint32_t)st->st_blksize;
	out->discard_alignment_bytes = 0;
	out->discard_max_bytes = FILE_MAX_BYTES;
	out->zero_max_bytes = FILE_MAX_BYTES;
	out->transfer_max_bytes = 0;
	out->volatile_cache = true; /* the page cache */
}

/* ---- who answers for a device --------------------------------------------- */

bool drv_dev_name_is_remote(const char *name)
{
	static const char *const kinds[] = { "nbd", "rbd", "drbd", "ublkb" };

	for (size_t i = 0; i < TABLE_LEN(kinds); i++)
		if (str_starts(name, kinds[i]) && strspn(name + strlen(kinds[i]), "0123456789"))
			return true;
	return false;
}

static bool is_remote(const char *name, unsigned deep);

/* place: "" for a disk, "/.." for a partition. */
static bool is_above_remote(const char *name, const char *place, unsigned deep)
{
	char path[NAME_MAX + 40];
	const struct dirent *entry;
	bool found = false;
	DIR *slaves;

	snprintf(path, sizeof(path), "/sys/class/block/%s%s/slaves", name, place);
	slaves = opendir(path);
	while (slaves && !found && (entry = readdir(slaves)))
		found = entry->d_name[0] != '.' && is_remote(entry->d_name, deep + 1);
	if (slaves)
		closedir(slaves);
	return found;
}

static bool is_remote(const char *name, unsigned deep)
{
	if (drv_dev_name_is_remote(name))
		return true;
	return deep < SLAVES_DEEP &&
	       (is_above_remote(name, "", deep) || is_above_remote(name, "/..", deep));
}

bool drv_dev_is_remote(int fd)
{
	char path[64], target[PATH_MAX];
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) || !S_ISBLK(st.st_mode))
		return false;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u", major(st.st_rdev), minor(st.st_rdev));
	n = readlink(path, target, sizeof(target) - 1);
	if (n <= 0)
		return true; /* not known */
	target[n] = 0;
	return is_remote(strrchr(target, '/') ? strrchr(target, '/') + 1 : target, 0);
}

/* ---- facts ----------------------------------------------------------------- */

int drv_dev_stat(int fd, bool writable, struct drv_stat *result)
{
	struct drv_stat out = { 0 };
	struct stat st;
	int rc = 0;

	if (fstat(fd, &st))
		return -errno;
	if (S_ISBLK(st.st_mode))
		rc = stat_block(fd, &st, &out);
	else
		stat_regular(fd, &st, &out);
	if (rc)
		return rc;
	out.read_only |= !writable;
	*result = out;
	return 0;
}
