/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_null.c - a store that swallows writes and reads zeroes, and the template
 * to copy.  To make a store of your own:
 *
 *   1. copy this folder to plugins/NAME, and say st_null -> st_NAME;
 *   2. put its folder.mk into Makefile.am and its row into
 *      gateway/daemon/builtins.tbl: the only two places outside the folder;
 *   3. write what open() and submit() do, and say in `can` what you do natively:
 *      the core does the rest by reading and writing;
 *   4. add it to the table in tests/unit/plugins/store_model_test.c.
 *
 * The contract is gateway/api/store.h.  Stores that wait for something are
 * better shown by plugins/file.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/store.h"
#include "gateway/base/check.h"
#include "gateway/base/err.h"
#include "gateway/base/num.h"
#include "gateway/base/str.h"

/* The symbol by which builtins.tbl finds us; nothing else is external. */
extern const struct gw_store_ops st_null_ops;

#define NULL_TAG GW_TAG('s', 't', '0', ' ')

/* `struct gw_store` belongs to each store: inside is what it likes.  The core
 * only carries the pointer.  A tag finds stale ones. */
struct gw_store {
	uint32_t tag;
	uint64_t size_bytes;
};

/* On a helper thread, so it may block.  On failure: -errno, a sentence for the
 * administrator in err (name the object and the cause), and *out untouched. */
static int null_open(const struct gw_store_args *args, struct gw_store **out,
		     struct gw_store_info *info, struct gw_err *err)
{
	struct gw_store *store;
	uint64_t size;

	if (str_parse_size(args->target, &size) || size < 512 || size > INT64_MAX)
		return gw_err_set(err, EINVAL,
				  "null:%s: not a size (512 bytes or more; try null:1G)",
				  args->target);
	store = calloc(1, sizeof(*store));
	if (!store)
		return gw_err_set(err, ENOMEM, "null:%s: no memory", args->target);
	gw_tag_set(store, NULL_TAG);
	store->size_bytes = num_down(size, 512);
	/* What is not said here is 0 or false: see struct gw_store_info. */
	*info = (struct gw_store_info){
		.size_bytes = store->size_bytes,
		.align_bytes = 1, /* any offset, any length */
		.memory_align_bytes = 1, /* any address */
		.can = GW_STORE_CAN(GW_READ) | GW_STORE_CAN(GW_WRITE) | GW_STORE_CAN(GW_FLUSH) |
		       GW_STORE_CAN(GW_UNMAP) | GW_STORE_CAN(GW_ZERO) | GW_STORE_CAN(GW_EXTENTS),
		.fua = true, /* a write is as durable at once as it will ever be */
		.fast_zero = true,
		.read_only = args->read_only,
	};
	*out = store;
	return 0;
}

static void null_close(struct gw_store **store)
{
	if (!*store)
		return;
	gw_tag_check(*store, NULL_TAG);
	gw_tag_wipe(*store);
	free(*store);
	*store = NULL;
}

/* On a loop: never blocks.  From here the request is ours until gw_io_done(),
 * which comes exactly once: here, as soon as the answer is known, or later on
 * the same loop; io->slot is ours until then.  The core has checked the range,
 * the alignment and that we can do io->op; nobody checks it again. */
static void null_submit(struct gw_store *store, struct gw_store_lane *lane, struct gw_io *io)
{
	(void)lane; /* no lane_open: null */
	gw_tag_check(store, NULL_TAG);
	switch (io->op) {
	case GW_READ:
		for (unsigned i = 0; i < io->niov; i++)
			memset(io->iov[i].iov_base, 0, io->iov[i].iov_len);
		break;
	case GW_EXTENTS:
		io->extents->add(io->extents, io->length, GW_EXTENT_HOLE | GW_EXTENT_ZERO);
		break;
	case GW_WRITE:
	case GW_FLUSH:
	case GW_UNMAP:
	case GW_ZERO:
		break;
	default:
		gw_io_done(io, GW_UNSUPPORTED);
		return;
	}
	gw_io_done(io, GW_OK);
}

/* Filled by name; what is absent is null, and store.h says what happens then. */
const struct gw_store_ops st_null_ops = {
	.struct_size = sizeof(struct gw_store_ops),
	.abi = GW_STORE_ABI,
	.name = "null",
	.help = "null:SIZE swallows writes and reads zeroes; to measure all but the store",
	.open = null_open,
	.close = null_close,
	.submit = null_submit,
};
