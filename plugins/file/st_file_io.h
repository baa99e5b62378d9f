/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_file_io.h - requests on something that is open under drv_fs: what regular
 * files and block devices have in common, which is all but open() and facts.
 * That is why both stores stand in this folder.
 *
 * Any loop may submit; there is no lane, because a struct drv_file is for all.
 * Above: st_file.c, st_block.c.  Below: gateway/loop.
 */
#ifndef PLUGINS_FILE_ST_FILE_IO_H
#define PLUGINS_FILE_ST_FILE_IO_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "gateway/api/store.h"
#include "gateway/loop/drv_fs.h"

struct gw_store {
	uint32_t tag;
	struct drv_fs *fs;
	struct drv_file *file;
	char *path;
	bool read_only, direct;
	/* Set by open() */
	bool punch; /* UNMAP by DRV_ALLOC_PUNCH; otherwise by _FAST_ZERO */
	bool fast_keep; /* _ZERO_KEEP is no writing of zeroes */
	uint32_t range_align_bytes; /* UNMAP, ZERO: what the kernel demands */
	/* Any thread */
	_Atomic uint64_t size_seen; /* as the kernel told it last */
};

/* ---- helper thread ------------------------------------------------------ */

/* No file is open yet. */
int st_file_io_new(const struct gw_store_args *args, struct gw_store **out, struct gw_err *err);
/* Also the stores' close(). */
void st_file_io_close(struct gw_store **store);
/* Flags for drv_fs open(), as the arguments ask. */
unsigned st_file_io_flags(const struct gw_store *store);
/* A part of refresh(): gives back what is not needed now. */
void st_file_io_rest(struct gw_store *store);
/* Stat, with a sentence. */
int st_file_io_stat(struct gw_store *store, struct drv_stat *out, struct gw_err *err);
/* What is the same for both: size (whole units, with a note in the log where
 * something is left over), alignment, operations. */
void st_file_io_facts(struct gw_store *store, const struct drv_stat *st,
		      struct gw_store_info *info);

/* ---- members of struct gw_store_ops ------------------------------------- */

void st_file_io_submit(struct gw_store *store, struct gw_store_lane *lane, struct gw_io *io);
uint64_t st_file_io_dirty_bytes(struct gw_store *store);
void st_file_io_lend(struct gw_store *store, struct gw_store_lane *lane, struct loop *loop,
		     struct gw_loan *loans, unsigned n);
struct drv_file *st_file_io_lent_file(struct gw_store *store);

#endif
