/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Zeroes and holes (drv_zero.h).  Each wish is a row of ways, tried in turn
 * until one is known to the file system or device.  On a block device
 * fallocate() means: PUNCH_HOLE zeroes by unmapping or not at all, ZERO_RANGE
 * zeroes by the device's command or, lacking that, by writing.
 */
#include "config.h"

#include "gateway/loop/drv_zero.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "gateway/base/num.h"
#include "gateway/loop/drv_file.h"

typedef int way_fn(struct drv_file *file, uint64_t offset, uint64_t length);

static int fall(struct drv_file *file, int mode, uint64_t offset, uint64_t length)
{
	while (fallocate(file->fd, mode | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)length))
		if (errno != EINTR)
			return -errno;
	return 0;
}

static int punch(struct drv_file *file, uint64_t offset, uint64_t length)
{
	return fall(file, FALLOC_FL_PUNCH_HOLE, offset, length);
}

static int zero_range(struct drv_file *file, uint64_t offset, uint64_t length)
{
	return fall(file, FALLOC_FL_ZERO_RANGE, offset, length);
}

static int discard(struct drv_file *file, uint64_t offset, uint64_t length)
{
	uint64_t range[2] = { offset, length };

	return ioctl(file->fd, BLKDISCARD, range) ? -errno : 0;
}

static int write_zeroes(struct drv_file *file, uint64_t offset, uint64_t length)
{
	static const char zeroes[64 << 10] __attribute__((aligned(4096)));

	while (length) {
		size_t piece = (size_t)num_min(length, sizeof(zeroes));
		struct iovec iov = { (void *)zeroes, piece };
		struct drv_op op = { .kind = DRV_WRITE, .file = file, .iov = &iov, .niov = 1 };
		int64_t n;

		op.offset = offset;
		n = drv_file_work(&op);
		if (n < 0)
			return (int)n;
		offset += piece;
		length -= piece;
	}
	return 0;
}

/* [is_block][how], null-terminated. */
static way_fn *const ways[2][4][4] = {
	{
		[DRV_ALLOC_PUNCH] = { punch },
		[DRV_ALLOC_ZERO] = { punch, zero_range, write_zeroes },
		[DRV_ALLOC_ZERO_KEEP] = { zero_range, write_zeroes },
		[DRV_ALLOC_FAST_ZERO] = { punch, zero_range },
	},
	{
		[DRV_ALLOC_PUNCH] = { discard },
		[DRV_ALLOC_ZERO] = { punch, zero_range, write_zeroes },
		[DRV_ALLOC_ZERO_KEEP] = { zero_range, write_zeroes },
		[DRV_ALLOC_FAST_ZERO] = { punch },
	},
};

int drv_zero(struct drv_file *file, enum drv_alloc how, uint64_t offset, uint64_t length)
{
	way_fn *const *way = ways[file->is_block][how];
	int rc = 0;

	if (!length)
		return 0;
	drv_file_doubt(file, offset, length);
	do
		rc = (*way++)(file, offset, length);
	while (*way && (rc == -EOPNOTSUPP || rc == -ENOSYS));
	drv_file_doubt(file, offset, length); /* somebody may have looked meanwhile */
	if (rc == -ENOSYS)
		rc = -EOPNOTSUPP;
	/* A hole is not durable either before the next sync. */
	if (!rc)
		drv_file_wrote(file, 1, 0);
	return rc;
}
