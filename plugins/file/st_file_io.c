/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_file_io.c - see st_file_io.h.
 *
 * READ, WRITE and FLUSH are one drv_op in the request's own slot: nothing is
 * allocated or locked.  What may block in the kernel whatever one does is a
 * DRV_JOB.  A durable ZERO or UNMAP is followed by a FLUSH of the core's, and
 * that a sync failed is remembered there (core/fallback.c): not here.
 */
#include "config.h"

#include "plugins/file/st_file_io.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "gateway/base/err.h"
#include "gateway/base/log.h"
#include "gateway/base/num.h"
#include "gateway/base/scope.h"
#include "gateway/loop/loop.h"

#define FILE_TAG GW_TAG('s', 't', 'f', ' ')
#define UNIT_BYTES 512u /* a size is a whole number of these at least */
#define BATCH_RUNS 256u
#define DIRECT_ALIGN_BYTES 4096u /* where nobody knows what O_DIRECT demands */

/* EXTENTS go in batches: a helper fills one, the loop tells the sink of it. */
struct batch {
	unsigned n;
	uint64_t at; /* looked at so far: from io->offset to here */
	struct {
		uint64_t length;
		uint32_t flags;
	} run[BATCH_RUNS];
};

/* What a request is while the driver has it; lives in io->slot. */
struct work {
	struct drv_op op;
	struct gw_store *store;
	struct batch *batch; /* EXTENTS */
};
_Static_assert(sizeof(struct work) <= GW_IO_SLOT_BYTES, "a drv_op must fit into the slot");

static struct work *work_of(struct gw_io *io)
{
	return (struct work *)(void *)io->slot.bytes;
}

static struct gw_io *io_of(struct drv_op *op)
{
	char *slot = (char *)op - offsetof(struct work, op);

	return (struct gw_io *)(void *)(slot - offsetof(struct gw_io, slot));
}

static struct gw_store *store_of(struct drv_op *op)
{
	return work_of(io_of(op))->store;
}

/* ---- life --------------------------------------------------------------- */

int st_file_io_new(const struct gw_store_args *args, struct gw_store **out, struct gw_err *err)
{
	scope_free char *path = strdup(args->target);
	struct gw_store *store = path ? calloc(1, sizeof(*store)) : NULL;

	if (!store)
		return gw_err_set(err, ENOMEM, "%s: no memory", args->target);
	gw_tag_set(store, FILE_TAG);
	store->fs = args->fs;
	store->path = scope_take(path);
	store->read_only = args->read_only;
	store->direct = args->direct;
	atomic_init(&store->size_seen, 0);
	*out = store;
	return 0;
}

void st_file_io_close(struct gw_store **address)
{
	struct gw_store *store = *address;

	if (!store)
		return;
	gw_tag_check(store, FILE_TAG);
	*address = NULL;
	if (store->file)
		store->fs->ops->close(store->fs, &store->file);
	gw_tag_wipe(store);
	free(store->path);
	free(store);
}

unsigned st_file_io_flags(const struct gw_store *store)
{
	return (store->read_only ? DRV_OPEN_READ : DRV_OPEN_WRITE) |
	       (store->direct ? DRV_OPEN_DIRECT : 0u);
}

void st_file_io_rest(struct gw_store *store)
{
	if (store->fs->ops->rest)
		store->fs->ops->rest(store->fs, store->file);
}

int st_file_io_stat(struct gw_store *store, struct drv_stat *out, struct gw_err *err)
{
	int rc = store->fs->ops->stat(store->fs, store->file, out);

	return rc ? gw_err_set(err, -rc, "%s: cannot be looked at: %m", store->path) : 0;
}

/* ---- facts -------------------------------------------------------------- */

static uint32_t align_of(const struct gw_store *store, const struct drv_stat *st)
{
	if (!store->direct)
		return 1;
	return st->direct_align_bytes ? st->direct_align_bytes : DIRECT_ALIGN_BYTES;
}

static uint64_t whole_size(struct gw_store *store, uint64_t bytes, uint32_t unit)
{
	uint64_t before = atomic_exchange(&store->size_seen, bytes);
	uint64_t rest = bytes % unit;

	if (rest && bytes != before)
		log_note(STORE,
			 "%s: %" PRIu64 " bytes are no whole number of %" PRIu32
			 " byte blocks: the last %" PRIu64 " are not served",
			 store->path, bytes, unit, rest);
	return bytes - rest;
}

void st_file_io_facts(struct gw_store *store, const struct drv_stat *st, struct gw_store_info *info)
{
	uint32_t align = align_of(store, st);
	uint32_t unit = (uint32_t)num_max(align, UNIT_BYTES);

	*info = (struct gw_store_info){
		.size_bytes = whole_size(store, st->size_bytes, unit),
		.align_bytes = align,
		.memory_align_bytes = align,
		.optimal_bytes = st->io_opt_bytes ? st->io_opt_bytes : st->io_min_bytes,
		.can = GW_STORE_CAN(GW_READ) | GW_STORE_CAN(GW_WRITE) | GW_STORE_CAN(GW_FLUSH) |
		       GW_STORE_CAN(GW_ZERO),
		/* Not of its own: two RWF_DSYNC writes at once share one report of an
		 * error.  The core flushes behind them, many at a time. */
		.fua = false,
		.volatile_cache = true, /* the kernel's, at least */
		.read_only = store->read_only || st->read_only,
		.rotational = st->rotational,
		.lends = !store->direct, /* there is nothing in the page cache then */
	};
	if (!store->direct) /* otherwise there is no cache to bring it into */
		info->can |= GW_STORE_CAN(GW_PREFETCH);
}

/* ---- READ, WRITE, FLUSH: one operation of the driver -------------------- */

static void read_done(struct drv_op *op, int64_t res)
{
	struct gw_io *io = io_of(op);

	if (res < 0) {
		gw_io_done(io, gw_status_from_errno((int)-res));
	} else if ((uint64_t)res < io->length) {
		/* The core's range check passed, so these bytes were promised; that
		 * they are gone is damage, not a mistake of the client. */
		log_warn(STORE, "%s: ends before byte %" PRIu64 "; has somebody cut it?",
			 store_of(op)->path, io->offset + io->length);
		gw_io_done(io, GW_MEDIUM_ERROR);
	} else {
		gw_io_done(io, GW_OK);
	}
}

/* Also SYNC, JOB: what counts is whether it failed. */
static void plain_done(struct drv_op *op, int64_t res)
{
	gw_io_done(io_of(op), gw_status_from_errno(res < 0 ? (int)-res : 0));
}

static void start(struct gw_store *store, struct gw_io *io, struct drv_op op)
{
	struct work *work = work_of(io);

	work->store = store;
	work->batch = NULL;
	work->op = op;
	loop_submit(io->loop, &work->op);
}

static void start_read(struct gw_store *store, struct gw_io *io)
{
	start(store, io,
	      (struct drv_op){ .done = read_done,
			       .kind = DRV_READ,
			       .file = store->file,
			       .iov = io->iov,
			       .niov = io->niov,
			       .offset = io->offset });
}

static void start_write(struct gw_store *store, struct gw_io *io)
{
	start(store, io,
	      (struct drv_op){ .done = plain_done,
			       .kind = DRV_WRITE,
			       .file = store->file,
			       .iov = io->iov,
			       .niov = io->niov,
			       .offset = io->offset });
}

static void start_sync(struct gw_store *store, struct gw_io *io)
{
	if (store->read_only)
		gw_io_done(io, GW_OK);
	else
		start(store, io,
		      (struct drv_op){ .done = plain_done, .kind = DRV_SYNC, .file = store->file });
}

/* ---- UNMAP, ZERO, EXTENTS, PREFETCH: on a helper ------------------------ */

static enum drv_alloc how_to_zero(const struct gw_store *store, const struct gw_io *io)
{
	if (io->op == GW_UNMAP)
		return store->punch ? DRV_ALLOC_PUNCH : DRV_ALLOC_FAST_ZERO;
	if (io->flags & GW_NO_HOLE)
		return DRV_ALLOC_ZERO_KEEP;
	return io->flags & GW_FAST_ONLY ? DRV_ALLOC_FAST_ZERO : DRV_ALLOC_ZERO;
}

/* Less than a block of the device: only through the cache, so by writing. */
static int zero_edge(struct gw_store *store, uint64_t from, uint64_t to)
{
	static const uint8_t zeroes[4096];

	while (from < to) {
		size_t n = num_min(to - from, sizeof(zeroes));
		int rc = store->fs->ops->write(store->fs, store->file, zeroes, n, from);

		if (rc)
			return rc;
		from += n;
	}
	return 0;
}

static int zero_range(struct gw_store *store, struct gw_io *io)
{
	uint32_t unit = store->range_align_bytes;
	uint64_t from = io->offset, end = io->offset + io->length;
	uint64_t inner = num_min(num_up(from, unit), end);
	uint64_t inner_end = num_max(num_down(end, unit), inner);
	int rc = 0;

	if (inner < inner_end)
		rc = store->fs->ops->allocate(store->fs, store->file, how_to_zero(store, io), inner,
					      inner_end - inner);
	if (!rc)
		rc = zero_edge(store, from, inner);
	return rc ? rc : zero_edge(store, inner_end, end);
}

static int64_t zero_job(struct drv_op *op)
{
	struct gw_store *store = store_of(op);
	struct gw_io *io = io_of(op);
	uint32_t both = GW_NO_HOLE | GW_FAST_ONLY;

	if (io->op == GW_ZERO && (io->flags & both) == both && !store->fast_keep)
		return -EOPNOTSUPP;
	return zero_range(store, io);
}

static void zero_done(struct drv_op *op, int64_t res)
{
	struct gw_io *io = io_of(op);
	enum gw_status status = gw_status_from_errno(res < 0 ? (int)-res : 0);

	if (status == GW_UNSUPPORTED && io->op == GW_ZERO && (io->flags & GW_FAST_ONLY))
		status = GW_NOT_FAST;
	gw_io_done(io, status);
}

/* From `at`: where data begins, or the end if there is none before it. */
static int find(struct gw_store *store, enum drv_seek what, uint64_t at, uint64_t end,
		uint64_t *out)
{
	uint64_t found = end;
	int rc = store->fs->ops->seek(store->fs, store->file, what, at, &found);

	if (rc && rc != -ENXIO)
		return rc;
	*out = rc ? end : num_min(found, end);
	return 0;
}

static void put(struct batch *batch, uint64_t to, uint32_t flags)
{
	if (to == batch->at)
		return;
	batch->run[batch->n].length = to - batch->at;
	batch->run[batch->n++].flags = flags;
	batch->at = to;
}

/* A hole, if there is one, and the data behind it, if there is some. */
static int look(struct gw_store *store, struct batch *batch, uint64_t end)
{
	uint64_t data, hole;
	int rc = find(store, DRV_SEEK_DATA, batch->at, end, &data);

	if (rc)
		return rc;
	put(batch, data, GW_EXTENT_HOLE | GW_EXTENT_ZERO);
	if (data == end)
		return 0;
	rc = find(store, DRV_SEEK_HOLE, data, end, &hole);
	if (rc)
		return rc;
	/* Punched between the two looks: what it was is true enough. */
	hole = num_max(hole, num_min(num_up(data + 1, UNIT_BYTES), end));
	put(batch, hole, GW_EXTENT_DATA);
	return 0;
}

static int64_t extents_job(struct drv_op *op)
{
	struct gw_store *store = store_of(op);
	struct gw_io *io = io_of(op);
	struct batch *batch = work_of(io)->batch;
	uint64_t end = io->offset + io->length;
	int rc = 0;

	if (!batch) { /* a helper may allocate */
		batch = work_of(io)->batch = malloc(sizeof(*batch));
		if (!batch)
			return -ENOMEM;
		batch->at = io->offset;
	}
	batch->n = 0;
	while (!rc && batch->at < end && batch->n + 2 <= BATCH_RUNS) {
		rc = look(store, batch, end);
		if (io->flags & GW_EXTENT_ONE)
			break;
	}
	return rc;
}

/* The sink is asked on the loop alone.  True: it wants more. */
static bool tell(struct gw_io *io, const struct batch *batch)
{
	for (unsigned i = 0; i < batch->n; i++)
		if (!io->extents->add(io->extents, batch->run[i].length, batch->run[i].flags) ||
		    (io->flags & GW_EXTENT_ONE))
			return false;
	return batch->at < io->offset + io->length;
}

static void extents_done(struct drv_op *op, int64_t res)
{
	struct gw_io *io = io_of(op);
	struct work *work = work_of(io);

	if (!res && tell(io, work->batch)) {
		loop_submit(io->loop, op);
		return;
	}
	free(work->batch);
	plain_done(op, res);
}

static int64_t prefetch_job(struct drv_op *op)
{
	struct gw_store *store = store_of(op);
	struct gw_io *io = io_of(op);

	store->fs->ops->prefetch(store->fs, store->file, io->offset, io->length);
	return 0; /* a hint cannot fail */
}

static void start_job(struct gw_store *store, struct gw_io *io, drv_job_fn *job, drv_done_fn *done)
{
	start(store, io, (struct drv_op){ .done = done, .kind = DRV_JOB, .job = job });
}

/* ---- submit ------------------------------------------------------------- */

void st_file_io_submit(struct gw_store *store, struct gw_store_lane *lane, struct gw_io *io)
{
	(void)lane;
	gw_tag_check(store, FILE_TAG);
	switch (io->op) {
	case GW_READ:
		start_read(store, io);
		break;
	case GW_WRITE:
		start_write(store, io);
		break;
	case GW_FLUSH:
		start_sync(store, io);
		break;
	case GW_UNMAP:
	case GW_ZERO:
		start_job(store, io, zero_job, zero_done);
		break;
	case GW_EXTENTS:
		start_job(store, io, extents_job, extents_done);
		break;
	case GW_PREFETCH:
		start_job(store, io, prefetch_job, plain_done);
		break;
	default:
		gw_io_done(io, GW_UNSUPPORTED);
	}
}

void st_file_io_lend(struct gw_store *store, struct gw_store_lane *lane, struct loop *loop,
		     struct gw_loan *loans, unsigned n)
{
	(void)lane;
	gw_tag_check(store, FILE_TAG);
	for (unsigned i = 0; i < n; i++)
		loans[i].at = loop_lend(loop, store->file, loans[i].offset, loans[i].length);
}

struct drv_file *st_file_io_lent_file(struct gw_store *store)
{
	gw_tag_check(store, FILE_TAG);
	return store->file;
}

uint64_t st_file_io_dirty_bytes(struct gw_store *store)
{
	gw_tag_check(store, FILE_TAG);
	return store->fs->ops->dirty_bytes(store->fs, store->file);
}
