/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_disk_fs.c - open, stat, allocate, seek, lock and names, simulated.
 */
#include "config.h"

#include "tests/sim/sim_disk_fs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "tests/sim/sim_lend.h"

static struct sim_disk *disk_of(struct drv_fs *fs)
{
	return SIM_OF(fs, struct sim_disk, fs);
}

/* Notes the call, charges for it, and gives its result back. */
static int said(struct sim_disk *d, unsigned call, int res)
{
	d->penalty_ns += sim_rng_log(&d->world->rng, 2 * SIM_US, 300 * SIM_US);
	sim_note(d->world, SIM_TR_FS, call, (uint64_t)(int64_t)res, 0);
	return res;
}

/* A call on an open file that moves data: it may stall or fail. */
static int verdict(struct sim_disk *d, struct drv_file *file, enum drv_kind kind)
{
	uint64_t stall;
	int error;

	if (!sim_disk_alive(file))
		return EIO;
	error = sim_disk_verdict(d, kind, &stall);
	d->penalty_ns += stall;
	return error;
}

static int fs_open(struct drv_fs *fs, const char *path, unsigned flags, struct drv_file **out,
		   struct gw_err *err)
{
	struct sim_disk *d = disk_of(fs);
	struct sim_inode *inode = sim_disk_find(d, path);
	struct drv_file *file;

	if (!d->powered)
		return gw_err_set(err, said(d, 1, EIO), "%s: %m", path);
	if (inode && inode->is_dir)
		return gw_err_set(err, said(d, 1, EISDIR), "%s: %m", path);
	if (inode && (flags & DRV_OPEN_CREATE) && (flags & DRV_OPEN_EXCLUSIVE))
		return gw_err_set(err, said(d, 1, EEXIST), "%s: %m", path);
	if (!inode && (!(flags & DRV_OPEN_CREATE) || !sim_disk_has_parent(d, path)))
		return gw_err_set(err, said(d, 1, ENOENT), "%s: %m", path);
	if (!inode)
		inode = sim_disk_make(d, path, false);
	if (flags & DRV_OPEN_TRUNCATE)
		sim_inode_resize(inode, 0);
	file = calloc(1, sizeof(*file));
	GW_CHECK(file);
	*file = (struct drv_file){ .disk = d,
				   .inode = inode,
				   .flags = flags,
				   .life = d->life,
				   .seen_failure = inode->failures };
	*out = file;
	return said(d, 1, 0);
}

static void fs_close(struct drv_fs *fs, struct drv_file **file)
{
	struct sim_disk *d = disk_of(fs);
	struct drv_file *f = *file;

	if (!f)
		return;
	if (f->locked && f->life == d->life) {
		f->inode->writer = f->exclusive ? false : f->inode->writer;
		f->inode->readers -= !f->exclusive;
	}
	said(d, 2, 0);
	sim_lend_closed(f);
	free(f);
	*file = NULL;
}

static int fs_stat(struct drv_fs *fs, struct drv_file *file, struct drv_stat *out)
{
	struct sim_disk *d = disk_of(fs);

	if (!sim_disk_alive(file) || d->vanished)
		return said(d, 3, -EIO);
	*out = (struct drv_stat){
		.size_bytes = file->inode->size,
		.allocated_bytes = file->inode->held * SIM_SECTOR,
		.is_regular = true,
		.physical_block_bytes = 4096,
		.direct_align_bytes = SIM_SECTOR,
		.io_min_bytes = 4096,
		.io_opt_bytes = 65536,
		.discard_granularity_bytes = SIM_SECTOR,
		.discard_max_bytes = UINT64_MAX,
		.zero_max_bytes = UINT64_MAX,
		.volatile_cache = true,
	};
	return said(d, 3, 0);
}

static int fs_truncate(struct drv_fs *fs, struct drv_file *file, uint64_t size_bytes)
{
	struct sim_disk *d = disk_of(fs);
	int error = verdict(d, file, DRV_WRITE);

	if (error)
		return said(d, 4, -error);
	sim_inode_resize(file->inode, size_bytes);
	return said(d, 4, 0);
}

static int fs_allocate(struct drv_fs *fs, struct drv_file *file, enum drv_alloc how,
		       uint64_t offset, uint64_t length)
{
	struct sim_disk *d = disk_of(fs);
	int error = verdict(d, file, DRV_WRITE);
	bool keep = how == DRV_ALLOC_ZERO_KEEP;

	if (error)
		return said(d, 5, -error);
	if (!(file->flags & DRV_OPEN_WRITE))
		return said(d, 5, -EBADF);
	if (keep && !sim_disk_has_room(d, sim_inode_needs(file->inode, offset, length)))
		return said(d, 5, -ENOSPC);
	if (offset < file->inode->size && length > file->inode->size - offset)
		length = file->inode->size - offset;
	if (offset < file->inode->size)
		sim_inode_zero(file->inode, &d->world->rng, offset, length, !keep);
	return said(d, 5, 0);
}

static int fs_seek(struct drv_fs *fs, struct drv_file *file, enum drv_seek what, uint64_t offset,
		   uint64_t *out)
{
	struct sim_disk *d = disk_of(fs);
	int error = verdict(d, file, DRV_READ);

	if (error)
		return said(d, 6, -error);
	if (!sim_inode_seek(file->inode, what == DRV_SEEK_DATA, offset, out))
		return said(d, 6, -ENXIO);
	return said(d, 6, offset >= file->inode->size ? -ENXIO : 0);
}

static int fs_read(struct drv_fs *fs, struct drv_file *file, void *buf, size_t len, uint64_t offset,
		   size_t *got)
{
	struct sim_disk *d = disk_of(fs);
	int error = verdict(d, file, DRV_READ);
	uint64_t size = file->inode->size;

	if (error)
		return said(d, 7, -error);
	if (offset >= size)
		len = 0;
	else if (len > size - offset)
		len = (size_t)(size - offset);
	sim_inode_read(file->inode, offset, buf, len);
	*got = len;
	return said(d, 7, 0);
}

static int fs_write(struct drv_fs *fs, struct drv_file *file, const void *buf, size_t len,
		    uint64_t offset)
{
	struct sim_disk *d = disk_of(fs);
	int error = verdict(d, file, DRV_WRITE);

	if (!error && !(file->flags & DRV_OPEN_WRITE))
		error = EBADF;
	if (!error && !sim_disk_has_room(d, sim_inode_needs(file->inode, offset, len)))
		error = ENOSPC;
	if (error)
		return said(d, 8, -error);
	sim_inode_write(file->inode, &d->world->rng, offset, buf, len);
	return said(d, 8, 0);
}

struct lost_to {
	struct sim_disk *disk;
	struct sim_inode *inode;
};

static void sync_lost(void *arg, uint64_t first, uint64_t sectors)
{
	struct lost_to *to = arg;

	if (to->disk->lost)
		to->disk->lost(to->disk->lost_arg, to->inode, first, sectors);
}

static int fs_sync(struct drv_fs *fs, struct drv_file *file)
{
	struct sim_disk *d = disk_of(fs);
	int error = verdict(d, file, DRV_SYNC);
	struct lost_to to = { d, file->inode };

	if (!error) {
		sim_inode_sync(file->inode, &d->world->rng, file->inode->clock);
		error = file->seen_failure == file->inode->failures ? 0 : EIO;
	} else if (sim_disk_alive(file)) {
		sim_inode_sync_fails(file->inode, &d->world->rng, file->inode->clock, sync_lost,
				     &to);
		file->inode->failures++;
	}
	file->seen_failure = file->inode->failures;
	return said(d, 9, -error);
}

static int fs_prefetch(struct drv_fs *fs, struct drv_file *file, uint64_t offset, uint64_t length)
{
	(void)offset;
	(void)length;
	return said(disk_of(fs), 10, -verdict(disk_of(fs), file, DRV_READ));
}

static int fs_lock(struct drv_fs *fs, struct drv_file *file, bool exclusive, struct gw_err *err)
{
	struct sim_disk *d = disk_of(fs);
	struct sim_inode *inode = file->inode;

	if (!sim_disk_alive(file))
		return gw_err_set(err, -said(d, 11, -EIO), "file: %m");
	GW_CHECK(!file->locked);
	if (inode->writer || (exclusive && inode->readers))
		return gw_err_set(err, -said(d, 11, -EWOULDBLOCK),
				  "the file is in use by process 4711");
	file->locked = true;
	file->exclusive = exclusive;
	inode->writer = exclusive;
	inode->readers += !exclusive;
	return said(d, 11, 0);
}

static int fs_rename(struct drv_fs *fs, const char *from, const char *to)
{
	struct sim_disk *d = disk_of(fs);

	if (!d->powered)
		return said(d, 12, -EIO);
	if (!sim_disk_find(d, from) || !sim_disk_has_parent(d, to))
		return said(d, 12, -ENOENT);
	sim_disk_rename(d, from, to);
	return said(d, 12, 0);
}

static int fs_remove(struct drv_fs *fs, const char *path)
{
	struct sim_disk *d = disk_of(fs);

	if (!d->powered)
		return said(d, 13, -EIO);
	if (!sim_disk_find(d, path))
		return said(d, 13, -ENOENT);
	sim_disk_set_name(d, path, NULL);
	return said(d, 13, 0);
}

static int fs_make_dir(struct drv_fs *fs, const char *path)
{
	struct sim_disk *d = disk_of(fs);
	struct sim_inode *inode = sim_disk_find(d, path);

	if (!d->powered)
		return said(d, 14, -EIO);
	if (inode)
		return said(d, 14, inode->is_dir ? 0 : -EEXIST);
	if (!sim_disk_has_parent(d, path))
		return said(d, 14, -ENOENT);
	sim_disk_make(d, path, true);
	return said(d, 14, 0);
}

static int fs_sync_dir(struct drv_fs *fs, const char *path)
{
	struct sim_disk *d = disk_of(fs);
	uint64_t stall;
	int error = d->powered ? sim_disk_verdict(d, DRV_SYNC, &stall) : EIO;

	(void)path; /* the journal is one: it becomes durable up to here */
	if (error)
		return said(d, 15, -error);
	d->penalty_ns += stall;
	sim_disk_sync_names(d);
	return said(d, 15, 0);
}

static int fs_list_dir(struct drv_fs *fs, const char *path,
		       void (*each)(void *arg, const char *name), void *arg)
{
	struct sim_disk *d = disk_of(fs);
	struct sim_inode *dir = sim_disk_find(d, path);

	if (!d->powered)
		return said(d, 16, -EIO);
	if ((!dir || !dir->is_dir) && strcmp(path, ".") != 0 && strcmp(path, "/") != 0)
		return said(d, 16, dir ? -ENOTDIR : -ENOENT);
	for (size_t i = 0; i < d->now.n; i++) {
		const char *name = d->now.row[i].path;
		const char *slash = strrchr(name, '/');

		if (sim_disk_lies_in(name, path))
			each(arg, slash ? slash + 1 : name);
	}
	return said(d, 16, 0);
}

static uint64_t fs_dirty_bytes(struct drv_fs *fs, struct drv_file *file)
{
	(void)fs;
	return file->inode->dirty * SIM_SECTOR;
}

const struct drv_fs_ops sim_disk_fs_ops = {
	.open = fs_open,
	.close = fs_close,
	.stat = fs_stat,
	.truncate = fs_truncate,
	.allocate = fs_allocate,
	.seek = fs_seek,
	.read = fs_read,
	.write = fs_write,
	.sync = fs_sync,
	.prefetch = fs_prefetch,
	.lock = fs_lock,
	.rename = fs_rename,
	.remove = fs_remove,
	.make_dir = fs_make_dir,
	.sync_dir = fs_sync_dir,
	.list_dir = fs_list_dir,
	.dirty_bytes = fs_dirty_bytes,
};
