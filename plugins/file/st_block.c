/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_block.c - a block device as a store: opening, refusing, facts.
 *
 * How requests run is in st_file_io.c.  Everything is asked of the device itself.
 * UNMAP must read zero afterwards, which a bare discard does not promise: so it
 * is a fast zeroing that may deallocate, offered only where the device has both.
 */
#include "config.h"

#include <errno.h>

#include "gateway/base/err.h"
#include "gateway/base/num.h"
#include "gateway/base/scope.h"
#include "plugins/file/st_file_io.h"

extern const struct gw_store_ops st_block_ops;

/* So that one request does not keep a helper for minutes. */
#define RANGE_MAX_BYTES (1ull << 30) /* the device zeroes by itself */
#define RANGE_MAX_SLOW_BYTES (32ull << 20) /* the kernel writes zeroes */

static int check_kind(const struct gw_store *store, const struct drv_stat *st, struct gw_err *err)
{
	if (st->is_block)
		return 0;
	return gw_err_set(err, ENOTBLK, "%s: is not a block device%s", store->path,
			  st->is_regular ? " but a file (store file)" : "");
}

/* A writer opens exclusively.  A reader must not, or there could be only one;
 * but he wants to know whether somebody does, who then may be writing. */
static int check_unused(struct gw_store *store, struct gw_err *err)
{
	struct drv_file *probe = NULL;
	int rc;

	if (!store->read_only)
		return 0;
	rc = store->fs->ops->open(store->fs, store->path, DRV_OPEN_READ | DRV_OPEN_EXCLUSIVE,
				  &probe, err);
	if (!rc)
		store->fs->ops->close(store->fs, &probe);
	return rc;
}

static int check_device(struct gw_store *store, const struct drv_stat *st, struct gw_err *err)
{
	int rc = check_kind(store, st, err);

	if (rc)
		return rc;
	if (st->read_only && !store->read_only)
		return gw_err_set(err, EROFS, "%s: is write protected (serve it with --read-only)",
				  store->path);
	if (!st->size_bytes)
		return gw_err_set(err, ENOMEDIUM, "%s: has no medium", store->path);
	if (st->zoned) /* our clients promise no order */
		return gw_err_set(err, ENOTSUP,
				  "%s: is a zoned device, which must be written in order",
				  store->path);
	return 0;
}

static void fill_facts(struct gw_store *store, const struct drv_stat *st,
		       struct gw_store_info *info)
{
	bool fast = st->zero_max_bytes;

	st_file_io_facts(store, st, info);
	info->block_bytes = st->logical_block_bytes;
	info->optimal_bytes = st->io_opt_bytes ? st->io_opt_bytes : st->physical_block_bytes;
	info->fast_zero = fast;
	info->range_max_bytes = fast ? RANGE_MAX_BYTES : RANGE_MAX_SLOW_BYTES;
	info->volatile_cache = !store->direct || st->volatile_cache;
	if (fast && st->discard_max_bytes) {
		info->can |= GW_STORE_CAN(GW_UNMAP);
		info->unmap_granularity_bytes = st->discard_granularity_bytes;
	}
}

static int block_open(const struct gw_store_args *args, struct gw_store **out,
		      struct gw_store_info *info, struct gw_err *err)
{
	scope_with(st_file_io_close) struct gw_store *store = NULL;
	struct drv_stat st = { 0 };
	unsigned flags;
	int rc = st_file_io_new(args, &store, err);

	if (rc)
		return rc;
	flags = st_file_io_flags(store) | (store->read_only ? 0u : DRV_OPEN_EXCLUSIVE);
	rc = store->fs->ops->open(store->fs, store->path, flags, &store->file, err);
	if (!rc)
		rc = st_file_io_stat(store, &st, err);
	if (!rc)
		rc = check_device(store, &st, err);
	if (!rc)
		rc = store->fs->ops->lock(store->fs, store->file, !store->read_only, err);
	if (!rc)
		rc = check_unused(store, err);
	if (rc)
		return rc;
	store->punch = false;
	store->fast_keep = st.zero_max_bytes;
	store->range_align_bytes = (uint32_t)num_max(st.logical_block_bytes, 512);
	fill_facts(store, &st, info);
	*out = scope_take(store);
	return 0;
}

static int block_refresh(struct gw_store *store, struct gw_store_info *info, struct gw_err *err)
{
	struct drv_stat st = { 0 };
	int rc = st_file_io_stat(store, &st, err);

	st_file_io_rest(store);
	if (!rc && !st.size_bytes)
		rc = gw_err_set(err, ENODEV, "%s: is gone, or has lost its medium", store->path);
	if (!rc)
		fill_facts(store, &st, info);
	return rc;
}

const struct gw_store_ops st_block_ops = {
	.struct_size = sizeof(struct gw_store_ops),
	.abi = GW_STORE_ABI,
	.name = "block",
	.help = "a block device; opened exclusively for writing",
	.open = block_open,
	.close = st_file_io_close,
	.refresh = block_refresh,
	.submit = st_file_io_submit,
	.dirty_bytes = st_file_io_dirty_bytes,
	.lend = st_file_io_lend,
	.lent_file = st_file_io_lent_file,
};
