/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_file.c - a regular file as a store: opening, making, locking, facts.
 *
 * How requests run is in st_file_io.c.  The file may grow and shrink while it is
 * served: refresh() looks again.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "gateway/base/err.h"
#include "gateway/base/scope.h"
#include "gateway/base/str.h"
#include "plugins/file/st_file_io.h"

extern const struct gw_store_ops st_file_ops;

/* So that one request does not keep a helper for minutes. */
#define RANGE_MAX_BYTES (4ull << 30)
#define PROBE_BYTES 4096u

/* ---- making ------------------------------------------------------------- */

static int parse_size(const struct gw_store_args *args, uint64_t *size, struct gw_err *err)
{
	if (str_parse_size(args->size_text, size) || *size < 512 || *size > INT64_MAX)
		return gw_err_set(err, EINVAL, "%s: --size %s: not a size (512 bytes or more)",
				  args->target, args->size_text);
	return 0;
}

static int resize(struct gw_store *store, uint64_t size, struct gw_err *err)
{
	int rc = store->fs->ops->truncate(store->fs, store->file, size);

	return rc ? gw_err_set(err, -rc, "%s: cannot be made %llu bytes long: %m", store->path,
			       (unsigned long long)size)
		  : 0;
}

/* It was not there. What fails half way leaves nothing behind. */
static int make(struct gw_store *store, const struct gw_store_args *args, struct gw_err *err)
{
	struct drv_fs *fs = store->fs;
	uint64_t size;
	int rc;

	if (store->read_only)
		return gw_err_set(err, ENOENT,
				  "%s: does not exist, and cannot be made to be read only",
				  store->path);
	rc = parse_size(args, &size, err);
	if (rc)
		return rc;
	rc = fs->ops->open(fs, store->path,
			   st_file_io_flags(store) | DRV_OPEN_CREATE | DRV_OPEN_EXCLUSIVE,
			   &store->file, err);
	if (rc)
		return rc;
	rc = resize(store, size, err);
	if (rc)
		fs->ops->remove(fs, store->path);
	return rc;
}

static int open_or_make(struct gw_store *store, const struct gw_store_args *args,
			struct gw_err *err)
{
	int rc = store->fs->ops->open(store->fs, store->path, st_file_io_flags(store), &store->file,
				      err);

	if (rc != -ENOENT)
		return rc;
	if (!args->size_text)
		return gw_err_set(err, ENOENT, "%s: does not exist (--size SIZE would make it)",
				  store->path);
	return make(store, args, err);
}

/* ---- looking ------------------------------------------------------------ */

static int check_kind(const struct gw_store *store, const struct drv_stat *st, struct gw_err *err)
{
	if (st->is_regular)
		return 0;
	if (st->is_block)
		return gw_err_set(err, ENOTSUP, "%s: is a block device, not a file (store block)",
				  store->path);
	return gw_err_set(err, ENOTSUP, "%s: is neither a regular file nor a block device",
			  store->path);
}

/* Punching behind the end changes nothing, but tells whether it can be done. */
static bool can_punch(struct gw_store *store, const struct drv_stat *st)
{
	uint64_t behind = (st->size_bytes / PROBE_BYTES + 1) * PROBE_BYTES;

	return !store->read_only &&
	       store->fs->ops->allocate(store->fs, store->file, DRV_ALLOC_PUNCH, behind,
					PROBE_BYTES) != -EOPNOTSUPP;
}

static void fill_facts(struct gw_store *store, const struct drv_stat *st,
		       struct gw_store_info *info)
{
	st_file_io_facts(store, st, info);
	info->can |= GW_STORE_CAN(GW_EXTENTS);
	info->range_max_bytes = RANGE_MAX_BYTES;
	if (store->punch) {
		info->can |= GW_STORE_CAN(GW_UNMAP);
		info->fast_zero = true;
		info->unmap_granularity_bytes = st->io_min_bytes;
	}
}

/* An empty file has nothing to lose: --size is for it, too. */
static int check_size(struct gw_store *store, const struct gw_store_args *args, struct drv_stat *st,
		      struct gw_err *err)
{
	uint64_t size;
	int rc;

	if (st->size_bytes)
		return 0;
	if (!args->size_text || store->read_only)
		return gw_err_set(err, EINVAL, "%s: is empty (--size SIZE would give it a size)",
				  store->path);
	rc = parse_size(args, &size, err);
	if (!rc)
		rc = resize(store, size, err);
	if (!rc)
		rc = st_file_io_stat(store, st, err);
	return rc;
}

/* ---- members of the ops ------------------------------------------------- */

static int file_open(const struct gw_store_args *args, struct gw_store **out,
		     struct gw_store_info *info, struct gw_err *err)
{
	scope_with(st_file_io_close) struct gw_store *store = NULL;
	struct drv_stat st = { 0 };
	int rc = st_file_io_new(args, &store, err);

	if (!rc)
		rc = open_or_make(store, args, err);
	if (!rc)
		rc = st_file_io_stat(store, &st, err);
	if (!rc)
		rc = check_kind(store, &st, err);
	if (!rc)
		rc = store->fs->ops->lock(store->fs, store->file, !store->read_only, err);
	if (!rc)
		rc = check_size(store, args, &st, err);
	if (rc)
		return rc;
	store->punch = can_punch(store, &st);
	store->range_align_bytes = 1;
	store->fast_keep = true; /* the file system marks a range, or says that it cannot */
	fill_facts(store, &st, info);
	*out = scope_take(store);
	return 0;
}

static int file_refresh(struct gw_store *store, struct gw_store_info *info, struct gw_err *err)
{
	struct drv_stat st = { 0 };
	int rc = st_file_io_stat(store, &st, err);

	st_file_io_rest(store);
	if (!rc)
		fill_facts(store, &st, info);
	return rc;
}

const struct gw_store_ops st_file_ops = {
	.struct_size = sizeof(struct gw_store_ops),
	.abi = GW_STORE_ABI,
	.name = "file",
	.help = "a regular file; holes stay holes; --size makes it where it is missing",
	.open = file_open,
	.close = st_file_io_close,
	.refresh = file_refresh,
	.submit = st_file_io_submit,
	.dirty_bytes = st_file_io_dirty_bytes,
	.lend = st_file_io_lend,
	.lent_file = st_file_io_lent_file,
};
