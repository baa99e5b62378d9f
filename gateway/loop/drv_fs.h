/* SPDX-License-Identifier: BSD-3-Clause
 *
 * drv_fs.h - files and their metadata: calls that may block.
 *
 * They run on a helper thread (a DRV_JOB), or on the main thread while nothing
 * is served; never on a loop that serves.  Reads, writes and syncs of the data
 * path are drv_op's (drv.h), on the same struct drv_file.  Fulfilled by
 * drv_host.c for both real drivers, and by the simulation's disk.
 */
#ifndef GATEWAY_LOOP_DRV_FS_H
#define GATEWAY_LOOP_DRV_FS_H

#include "gateway/loop/drv.h"

enum drv_open_flag {
	DRV_OPEN_READ = 0,
	DRV_OPEN_WRITE = 1, /* read and write */
	DRV_OPEN_CREATE = 2, /* mode 0600 where it is absent */
	DRV_OPEN_EXCLUSIVE = 4, /* with CREATE: it must be absent; block device: O_EXCL */
	DRV_OPEN_DIRECT = 8, /* O_DIRECT */
	DRV_OPEN_TRUNCATE = 16
};

struct drv_stat {
	uint64_t size_bytes;
	uint64_t allocated_bytes; /* regular files */
	bool is_regular, is_block;
	/* Block devices, from the device itself; regular files: from the file
	 * system where it tells.  0 = unknown. */
	uint32_t logical_block_bytes, physical_block_bytes;
	uint32_t direct_align_bytes; /* what O_DIRECT demands of offset, length, memory */
	uint32_t io_min_bytes, io_opt_bytes;
	uint32_t discard_granularity_bytes, discard_alignment_bytes;
	uint64_t discard_max_bytes, zero_max_bytes; /* 0: it cannot */
	uint64_t transfer_max_bytes;
	bool rotational, volatile_cache, read_only;
	bool zoned; /* must be written in order */
};

enum drv_alloc {
	DRV_ALLOC_PUNCH, /* deallocate, reads zero (files); BLKDISCARD (devices) */
	DRV_ALLOC_ZERO, /* reads zero, may be deallocated; BLKZEROOUT, may unmap */
	DRV_ALLOC_ZERO_KEEP, /* reads zero, stays allocated */
	DRV_ALLOC_FAST_ZERO /* as ZERO, but -EOPNOTSUPP rather than writing zeroes */
};

enum drv_seek { DRV_SEEK_DATA, DRV_SEEK_HOLE };

/* Each returns 0 or -errno; outputs stay untouched on failure.  The sentence in
 * err names the object, the cause, and (lock) the holder and its pid. */
struct drv_fs_ops {
	int (*open)(struct drv_fs *fs, const char *path, unsigned flags, struct drv_file **out,
		    struct gw_err *err);
	void (*close)(struct drv_fs *fs, struct drv_file **file);
	int (*stat)(struct drv_fs *fs, struct drv_file *file, struct drv_stat *out);
	int (*truncate)(struct drv_fs *fs, struct drv_file *file, uint64_t size_bytes);
	int (*allocate)(struct drv_fs *fs, struct drv_file *file, enum drv_alloc how,
			uint64_t offset, uint64_t length);
	/* -ENXIO: no data (or hole) at or behind the offset. */
	int (*seek)(struct drv_fs *fs, struct drv_file *file, enum drv_seek what, uint64_t offset,
		    uint64_t *out);
	int (*read)(struct drv_fs *fs, struct drv_file *file, void *buf, size_t len,
		    uint64_t offset, size_t *got);
	int (*write)(struct drv_fs *fs, struct drv_file *file, const void *buf, size_t len,
		     uint64_t offset);
	int (*sync)(struct drv_fs *fs, struct drv_file *file);
	/* Starts reading ahead; a hint. */
	int (*prefetch)(struct drv_fs *fs, struct drv_file *file, uint64_t offset, uint64_t length);
	/* Now and then, of a file that is served: gives back what nobody needs at the
	 * moment.  Null: there is nothing. */
	void (*rest)(struct drv_fs *fs, struct drv_file *file);
	/* Exclusive (a writer) or shared (a reader) for the file's life: flock,
	 * and qemu's OFD byte ranges honoured both ways. -EWOULDBLOCK: the holder
	 * is in the sentence. */
	int (*lock)(struct drv_fs *fs, struct drv_file *file, bool exclusive, struct gw_err *err);
	/* Names.  rename replaces; sync_dir makes names in a folder durable. */
	int (*rename)(struct drv_fs *fs, const char *from, const char *to);
	int (*remove)(struct drv_fs *fs, const char *path);
	int (*make_dir)(struct drv_fs *fs, const char *path); /* 0700; exists: 0 */
	int (*sync_dir)(struct drv_fs *fs, const char *path);
	/* Calls each() with every name in the folder but . and .. */
	int (*list_dir)(struct drv_fs *fs, const char *path,
			void (*each)(void *arg, const char *name), void *arg);
	/* Bytes written but not known durable, for the progress at the end. */
	uint64_t (*dirty_bytes)(struct drv_fs *fs, struct drv_file *file);
};

/* Every fs object begins with its ops. */
struct drv_fs {
	const struct drv_fs_ops *ops;
};

#endif
