/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The blocking file calls on the real system (drv_host_fs.h): open with its
 * sentences, contents, names.  How zeroes and holes are made is drv_zero.c's,
 * locks are drv_lock.c's, geometry is drv_dev.c's, the data path drv_file.c's.
 */
#include "config.h"

#include "gateway/loop/drv_host_fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gateway/base/scope.h"
#include "gateway/base/str.h"
#include "gateway/loop/drv_dev.h"
#include "gateway/loop/drv_file.h"
#include "gateway/loop/drv_holder.h"
#include "gateway/loop/drv_lock.h"
#include "gateway/loop/drv_zero.h"

/* ---- open --------------------------------------------------------------- */

static int open_flags(unsigned flags, bool is_block)
{
	/* Without O_NONBLOCK a named pipe would hold us until somebody writes. */
	int out = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;

	out |= flags & DRV_OPEN_WRITE ? O_RDWR : O_RDONLY;
	if (flags & DRV_OPEN_CREATE)
		out |= O_CREAT;
	if (flags & DRV_OPEN_TRUNCATE)
		out |= O_TRUNC;
	if (flags & DRV_OPEN_DIRECT)
		out |= O_DIRECT;
	if ((flags & DRV_OPEN_EXCLUSIVE) && (is_block || (flags & DRV_OPEN_CREATE)))
		out |= O_EXCL;
	return out;
}

/* Waits for a device that nobody living has. */
static int open_patiently(const char *path, int flags, const struct stat *st)
{
	unsigned waited_ms = 0;
	int fd = open(path, flags, 0600);

	while (fd < 0 && errno == EBUSY && S_ISBLK(st->st_mode)) {
		char who[600];
		struct str s = STR_IN(who);

		if (drv_holder_device(&s, st) || !drv_holder_wait(&waited_ms)) {
			errno = EBUSY;
			break;
		}
		fd = open(path, flags, 0600);
	}
	return fd;
}

static int say_open_error(int errnum, const char *path, unsigned flags, const struct stat *st,
			  struct gw_err *err)
{
	char who[600];
	struct str s = STR_IN(who);

	if (errnum == EBUSY && S_ISBLK(st->st_mode)) {
		drv_holder_device(&s, st);
		return gw_err_set(err, errnum, "%s cannot be had for itself: it is %s", path, who);
	}
	if (errnum == EINVAL && (flags & DRV_OPEN_DIRECT))
		return gw_err_set(err, errnum, "%s: its file system knows no O_DIRECT", path);
	if (errnum == EROFS || errnum == EACCES || errnum == EPERM)
		return gw_err_set(err, errnum, "cannot open %s for %s: %m", path,
				  flags & DRV_OPEN_WRITE ? "writing" : "reading");
	return gw_err_set(err, errnum, "cannot open %s: %m", path);
}

static int check_kind(int fd, const char *path, struct stat *st, struct gw_err *err)
{
	if (fstat(fd, st))
		return gw_err_set(err, errno, "cannot look at %s: %m", path);
	if (S_ISREG(st->st_mode) || S_ISBLK(st->st_mode))
		return 0;
	if (S_ISDIR(st->st_mode))
		return gw_err_set(err, EISDIR, "%s is a folder", path);
	return gw_err_set(err, EINVAL, "%s is neither a file nor a block device", path);
}

static int host_open(struct drv_fs *fs, const char *path, unsigned flags, struct drv_file **out,
		     struct gw_err *err)
{
	struct stat st = { 0 };
	bool there = !stat(path, &st);
	scope_fd int fd =
		open_patiently(path, open_flags(flags, there && S_ISBLK(st.st_mode)), &st);
	struct drv_file *file;
	struct drv_stat facts = { 0 };
	int rc;

	(void)fs;
	if (fd < 0)
		return say_open_error(errno, path, flags, &st, err);
	rc = check_kind(fd, path, &st, err);
	if (rc)
		return rc;
	/* The ring would fail instead of waiting. */
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	file = drv_file_create(fd, path);
	if (!file)
		return gw_err_set(err, ENOMEM, "no memory to open %s", path);
	file->writable = flags & DRV_OPEN_WRITE;
	file->direct = flags & DRV_OPEN_DIRECT;
	file->is_block = S_ISBLK(st.st_mode);
	drv_file_map(file);
	drv_dev_stat(fd, file->writable, &facts);
	atomic_store(&file->size, facts.size_bytes);
	scope_take_fd(&fd);
	*out = file;
	return 0;
}

static void host_close(struct drv_fs *fs, struct drv_file **file)
{
	(void)fs;
	if (!*file)
		return;
	/* A push still on its way keeps the descriptor a little longer. */
	drv_lock_drop((*file)->fd);
	drv_file_close(file);
}

/* ---- contents ----------------------------------------------------------- */

static int host_stat(struct drv_fs *fs, struct drv_file *file, struct drv_stat *out)
{
	int rc = drv_dev_stat(file->fd, file->writable, out);

	(void)fs;
	if (!rc)
		atomic_store(&file->size, out->size_bytes);
	return rc;
}

static int host_truncate(struct drv_fs *fs, struct drv_file *file, uint64_t size_bytes)
{
	(void)fs;
	while (ftruncate(file->fd, (off_t)size_bytes))
		if (errno != EINTR)
			return -errno;
	atomic_store(&file->size, size_bytes);
	drv_file_map(file); /* it may have been empty */
	return 0;
}

static int host_allocate(struct drv_fs *fs, struct drv_file *file, enum drv_alloc how,
			 uint64_t offset, uint64_t length)
{
	(void)fs;
	return drv_zero(file, how, offset, length);
}

static int host_seek(struct drv_fs *fs, struct drv_file *file, enum drv_seek what, uint64_t offset,
		     uint64_t *out)
{
	off_t at = lseek(file->fd, (off_t)offset, what == DRV_SEEK_DATA ? SEEK_DATA : SEEK_HOLE);

	(void)fs;
	if (at >= 0) {
		*out = (uint64_t)at;
		return 0;
	}
	if (errno != EINVAL)
		return -errno;
	/* It knows no holes (block devices, old file systems): all is data. */
	if (offset >= atomic_load(&file->size))
		return -ENXIO;
	*out = what == DRV_SEEK_DATA ? offset : atomic_load(&file->size);
	return 0;
}

static int64_t run(struct drv_file *file, enum drv_kind kind, struct iovec *iov, uint64_t offset)
{
	struct drv_op op = { .kind = (uint8_t)kind, .file = file, .iov = iov, .offset = offset };

	op.niov = iov ? 1 : 0;
	return drv_file_work(&op);
}

static int host_read(struct drv_fs *fs, struct drv_file *file, void *buf, size_t len,
		     uint64_t offset, size_t *got)
{
	struct iovec iov = { buf, len };
	int64_t n = run(file, DRV_READ, &iov, offset);

	(void)fs;
	if (n < 0)
		return (int)n;
	*got = (size_t)n;
	return 0;
}

static int host_write(struct drv_fs *fs, struct drv_file *file, const void *buf, size_t len,
		      uint64_t offset)
{
	struct iovec iov = { (void *)buf, len };
	int64_t n = run(file, DRV_WRITE, &iov, offset);

	(void)fs;
	return n < 0 ? (int)n : 0;
}

static int host_sync(struct drv_fs *fs, struct drv_file *file)
{
	(void)fs;
	return (int)run(file, DRV_SYNC, NULL, 0);
}

static void host_rest(struct drv_fs *fs, struct drv_file *file)
{
	(void)fs;
	drv_lend_rest(&file->lend);
}

static int host_prefetch(struct drv_fs *fs, struct drv_file *file, uint64_t offset, uint64_t length)
{
	(void)fs;
	return -posix_fadvise(file->fd, (off_t)offset, (off_t)length, POSIX_FADV_WILLNEED);
}

static int host_lock(struct drv_fs *fs, struct drv_file *file, bool exclusive, struct gw_err *err)
{
	(void)fs;
	return drv_lock_take(file->fd, file->path, exclusive, err);
}

static uint64_t host_dirty_bytes(struct drv_fs *fs, struct drv_file *file)
{
	(void)fs;
	return drv_file_dirty(file);
}

/* ---- names -------------------------------------------------------------- */

static int host_rename(struct drv_fs *fs, const char *from, const char *to)
{
	(void)fs;
	return rename(from, to) ? -errno : 0;
}

static int host_remove(struct drv_fs *fs, const char *path)
{
	(void)fs;
	return unlink(path) ? -errno : 0;
}

static int host_make_dir(struct drv_fs *fs, const char *path)
{
	struct stat st;

	(void)fs;
	if (!mkdir(path, 0700))
		return 0;
	if (errno != EEXIST)
		return -errno;
	if (stat(path, &st))
		return -errno;
	return S_ISDIR(st.st_mode) ? 0 : -ENOTDIR;
}

static int host_sync_dir(struct drv_fs *fs, const char *path)
{
	scope_fd int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)fs;
	if (fd < 0)
		return -errno;
	return fsync(fd) ? -errno : 0;
}

static int host_list_dir(struct drv_fs *fs, const char *path,
			 void (*each)(void *arg, const char *name), void *arg)
{
	DIR *dir = opendir(path);
	const struct dirent *entry;
	int rc;

	(void)fs;
	if (!dir)
		return -errno;
	errno = 0;
	while ((entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, ".."))
			each(arg, entry->d_name);
		errno = 0;
	}
	rc = -errno;
	closedir(dir);
	return rc;
}

const struct drv_fs_ops drv_host_fs_ops = {
	.open = host_open,
	.close = host_close,
	.stat = host_stat,
	.truncate = host_truncate,
	.allocate = host_allocate,
	.seek = host_seek,
	.read = host_read,
	.write = host_write,
	.sync = host_sync,
	.prefetch = host_prefetch,
	.rest = host_rest,
	.lock = host_lock,
	.rename = host_rename,
	.remove = host_remove,
	.make_dir = host_make_dir,
	.sync_dir = host_sync_dir,
	.list_dir = host_list_dir,
	.dirty_bytes = host_dirty_bytes,
};
