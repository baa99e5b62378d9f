/* SPDX-License-Identifier: BSD-3-Clause
 *
 * st_memory.c - a sparse RAM disk: the store's face.
 *
 * Every loop works on the pages at once; what makes that safe is in
 * st_memory_table (pages are replaced, never changed) and st_memory_epoch (when
 * a replaced page may be used again).  READ, and WRITE of parts of pages, end inside
 * submit().  A WRITE of whole pages fills them there, and ends at the end of the turn,
 * together with all others of that turn: their bytes are on the way to memory meanwhile,
 * and to wait for each to get there is a fifth of what it costs.  Nobody can find the
 * pages before; what comes behind it on its lane finds them.  What
 * walks over a range of any size does so many pages at a time, and goes on in
 * the loop's next turn.  The contents end with the daemon: there is no better
 * medium behind them, so there is no volatile cache either, and FLUSH is done.
 */
#include "config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/store.h"
#include "gateway/base/check.h"
#include "gateway/base/err.h"
#include "gateway/base/num.h"
#include "gateway/base/stow.h"
#include "gateway/base/str.h"
#include "gateway/loop/loop.h"
#include "plugins/memory/st_memory_table.h"

extern const struct gw_store_ops st_memory_ops;

#define MEMORY_TAG GW_TAG('s', 't', 'm', ' ')
#define STEPS_A_TURN 8192 /* pages looked at before other work has its turn */

struct gw_store {
	uint32_t tag;
	struct st_memory_table table;
	struct st_memory_epoch epoch;
};

struct gw_store_lane {
	struct gw_store *store;
	struct st_memory_lane *pages;
	struct loop *loop;
	struct loop_task task; /* ends the writes: */
	struct gw_io *writes, **tail;
	struct gw_io *hidden; /* the first of them whose pages nobody can find yet */
};

/* WRITE of whole pages; lives in io->slot. */
struct write {
	struct st_memory_page *pages;
	struct gw_io *next;
};
_Static_assert(sizeof(struct write) <= GW_IO_SLOT_BYTES, "a write must fit into the slot");

static struct write *write_of(struct gw_io *io)
{
	return (struct write *)(void *)io->slot.bytes;
}

/* UNMAP, ZERO, EXTENTS under way; lives in io->slot. */
struct walk {
	struct loop_mail mail;
	struct gw_store_lane *lane;
	uint64_t at; /* done so far: from io->offset to here */
	uint64_t run; /* EXTENTS: bytes of one kind that the sink has not heard of */
	uint32_t kind;
};
_Static_assert(sizeof(struct walk) <= GW_IO_SLOT_BYTES, "a walk must fit into the slot");

static struct walk *walk_of(struct gw_io *io)
{
	return (struct walk *)(void *)io->slot.bytes;
}

static struct gw_io *io_of(struct loop_mail *mail)
{
	char *slot = (char *)mail - offsetof(struct walk, mail);

	return (struct gw_io *)(void *)(slot - offsetof(struct gw_io, slot));
}

/* ---- open and close ----------------------------------------------------- */

static void fill_info(const struct gw_store_args *args, uint64_t size, struct gw_store_info *info)
{
	*info = (struct gw_store_info){
		.size_bytes = size,
		.align_bytes = 1,
		.memory_align_bytes = 1,
		.optimal_bytes = ST_MEMORY_PAGE_BYTES,
		.unmap_granularity_bytes = ST_MEMORY_PAGE_BYTES,
		.can = GW_STORE_CAN(GW_READ) | GW_STORE_CAN(GW_WRITE) | GW_STORE_CAN(GW_FLUSH) |
		       GW_STORE_CAN(GW_UNMAP) | GW_STORE_CAN(GW_ZERO) | GW_STORE_CAN(GW_EXTENTS),
		.fua = true,
		.fast_zero = true,
		.lends = true,
		.lend_unit_bytes = ST_MEMORY_PAGE_BYTES,
		.read_only = args->read_only,
	};
}

static int memory_open(const struct gw_store_args *args, struct gw_store **out,
		       struct gw_store_info *info, struct gw_err *err)
{
	size_t bytes = num_up(sizeof(struct gw_store), _Alignof(struct gw_store));
	struct gw_store *store;
	uint64_t size;

	if (str_parse_size(args->target, &size) || size < 512)
		return gw_err_set(err, EINVAL,
				  "memory:%s: not a size (512 bytes or more; try memory:1G)",
				  args->target);
	if (size > ST_MEMORY_BYTES_MAX)
		return gw_err_set(err, EINVAL, "memory:%s: too large (1P is the most)",
				  args->target);
	size = num_down(size, 512);
	store = aligned_alloc(_Alignof(struct gw_store), bytes);
	if (!store)
		return gw_err_set(err, ENOMEM, "memory:%s: no memory", args->target);
	memset(store, 0, bytes);
	if (st_memory_table_init(&store->table, size)) {
		free(store);
		return gw_err_set(err, ENOMEM, "memory:%s: no memory for its table", args->target);
	}
	st_memory_epoch_init(&store->epoch);
	gw_tag_set(store, MEMORY_TAG);
	fill_info(args, size, info);
	*out = store;
	return 0;
}

static void memory_close(struct gw_store **store)
{
	if (!*store)
		return;
	gw_tag_check(*store, MEMORY_TAG);
	st_memory_epoch_done(&(*store)->epoch);
	st_memory_table_done(&(*store)->table);
	gw_tag_wipe(*store);
	free(*store);
	*store = NULL;
}

static void end_writes(struct loop_task *task);

static int memory_lane_open(struct gw_store *store, struct loop *loop, struct gw_store_lane **out,
			    struct gw_err *err)
{
	struct gw_store_lane *lane = calloc(1, sizeof(*lane));

	gw_tag_check(store, MEMORY_TAG);
	if (!lane)
		return gw_err_set(err, ENOMEM, "memory: no memory for a lane");
	lane->store = store;
	lane->loop = loop;
	lane->task.run = end_writes;
	lane->tail = &lane->writes;
	lane->pages = st_memory_epoch_join(&store->epoch);
	if (!lane->pages) {
		free(lane);
		return gw_err_set(err, ENOSPC, "memory: more than %d lanes", ST_MEMORY_LANES_MAX);
	}
	*out = lane;
	return 0;
}

static void memory_lane_close(struct gw_store_lane **address)
{
	struct gw_store_lane *lane = *address;

	if (!lane)
		return;
	*address = NULL;
	GW_CHECK(!lane->writes); /* a lane closes when all requests have ended */
	st_memory_epoch_leave(lane->pages);
	free(lane);
}

/* ---- WRITE of whole pages: filled at once, found later ------------------- */

/* Of all that is hidden. */
static void publish(struct gw_store_lane *lane)
{
	if (!lane->hidden)
		return;
	for (struct gw_io *io = lane->hidden; io; io = write_of(io)->next)
		st_memory_table_foresee(&lane->store->table, io->offset, write_of(io)->pages);
	stow_settle();
	st_memory_epoch_enter(lane->pages);
	for (struct gw_io *io = lane->hidden; io; io = write_of(io)->next)
		st_memory_table_publish(&lane->store->table, lane->pages, io->offset,
					write_of(io)->pages);
	st_memory_epoch_exit(lane->pages);
	lane->hidden = NULL;
}

static void end_writes(struct loop_task *task)
{
	struct gw_store_lane *lane =
		(struct gw_store_lane *)((char *)task - offsetof(struct gw_store_lane, task));
	struct gw_io *io, *next;

	publish(lane);
	io = lane->writes;
	lane->writes = NULL;
	lane->tail = &lane->writes; /* one that comes from inside done() waits for the next round */
	for (; io; io = next) {
		next = write_of(io)->next;
		gw_io_done(io, GW_OK);
	}
}

static bool is_whole(const struct gw_io *io)
{
	return io->length && (io->offset | io->length) % ST_MEMORY_PAGE_BYTES == 0;
}

static void fill(struct gw_store_lane *lane, struct gw_io *io)
{
	struct st_memory_cursor cursor = { io->iov, 0 };
	struct write *write = write_of(io);

	*write = (struct write){ .pages = st_memory_table_fill(&lane->store->table, lane->pages,
							       io->offset, (uint32_t)io->length,
							       &cursor) };
	if (!write->pages) {
		gw_io_done(io, GW_NO_SPACE);
		return;
	}
	*lane->tail = io;
	lane->tail = &write->next;
	if (!lane->hidden)
		lane->hidden = io;
	loop_defer(lane->loop, &lane->task);
}

/* ---- READ, and WRITE of parts: a page at a time, at once ----------------- */

static enum gw_status move(struct gw_store *store, struct st_memory_lane *lane, struct gw_io *io)
{
	struct st_memory_cursor cursor = { io->iov, 0 };
	uint64_t at = io->offset, end = io->offset + io->length;
	bool ok = true;

	st_memory_epoch_enter(lane);
	while (at < end && ok) {
		uint32_t room = ST_MEMORY_PAGE_BYTES - at % ST_MEMORY_PAGE_BYTES;
		uint32_t n = (uint32_t)num_min(room, end - at);

		if (io->op == GW_READ)
			st_memory_table_read(&store->table, at, n, &cursor);
		else
			ok = st_memory_table_write(&store->table, lane, at, n, &cursor);
		at += n;
	}
	st_memory_epoch_exit(lane);
	return ok ? GW_OK : GW_NO_SPACE;
}

static void start_move(struct gw_store *store, struct gw_store_lane *lane, struct gw_io *io)
{
	publish(lane);
	gw_io_done(io, move(store, lane->pages, io));
}

static void start_write(struct gw_store *store, struct gw_store_lane *lane, struct gw_io *io)
{
	if (is_whole(io))
		fill(lane, io);
	else
		start_move(store, lane, io);
}

/* ---- UNMAP, ZERO, EXTENTS: some pages a turn ---------------------------- */

/* Tells the sink of the run that has ended. False: it is full. */
static bool tell(struct gw_io *io, struct walk *walk)
{
	static const uint32_t flags[] = {
		[ST_MEMORY_HOLE] = GW_EXTENT_HOLE | GW_EXTENT_ZERO,
		[ST_MEMORY_ZERO] = GW_EXTENT_ZERO,
		[ST_MEMORY_DATA] = GW_EXTENT_DATA,
	};
	uint64_t run = walk->run;

	walk->run = 0;
	return !run || (io->extents->add(io->extents, run, flags[walk->kind]) &&
			!(io->flags & GW_EXTENT_ONE));
}

static enum gw_status step(struct gw_io *io, struct walk *walk)
{
	uint64_t left = io->offset + io->length - walk->at, n;
	struct gw_store_lane *lane = walk->lane;
	enum st_memory_kind kind = st_memory_table_kind(&lane->store->table, walk->at, &n);
	bool keep = io->op == GW_ZERO && (io->flags & GW_NO_HOLE);

	n = num_min(n, left);
	if (io->op == GW_EXTENTS) {
		if (kind != walk->kind && !tell(io, walk)) {
			walk->at = io->offset + io->length;
			return GW_OK;
		}
		walk->kind = kind;
		walk->run += n;
	} else if (keep || kind == ST_MEMORY_DATA || kind == ST_MEMORY_ZERO) {
		uint64_t room = ST_MEMORY_PAGE_BYTES - walk->at % ST_MEMORY_PAGE_BYTES;

		n = num_min(n, room);
		if (!st_memory_table_clear(&lane->store->table, lane->pages, walk->at, (uint32_t)n,
					   keep))
			return GW_NO_SPACE;
	}
	walk->at += n;
	return GW_OK;
}

static void go_on(struct loop_mail *mail)
{
	struct gw_io *io = io_of(mail);
	struct walk *walk = walk_of(io);
	uint64_t end = io->offset + io->length;
	enum gw_status status = GW_OK;

	publish(walk->lane);
	st_memory_epoch_enter(walk->lane->pages);
	for (int i = 0; i < STEPS_A_TURN && walk->at < end && status == GW_OK; i++)
		status = step(io, walk);
	st_memory_epoch_exit(walk->lane->pages);
	st_memory_epoch_tidy(walk->lane->pages);
	if (status == GW_OK && walk->at < end) {
		loop_post(io->loop, mail);
		return;
	}
	if (io->op == GW_EXTENTS)
		tell(io, walk);
	gw_io_done(io, status);
}

static void start_walk(struct gw_store_lane *lane, struct gw_io *io)
{
	struct walk *walk = walk_of(io);

	*walk = (struct walk){ .mail.run = go_on, .lane = lane, .at = io->offset };
	go_on(&walk->mail);
}

static void memory_submit(struct gw_store *store, struct gw_store_lane *lane, struct gw_io *io)
{
	gw_tag_check(store, MEMORY_TAG);
	switch (io->op) {
	case GW_READ:
		start_move(store, lane, io);
		break;
	case GW_WRITE:
		start_write(store, lane, io);
		break;
	case GW_UNMAP:
	case GW_ZERO:
	case GW_EXTENTS:
		start_walk(lane, io);
		break;
	case GW_FLUSH:
		gw_io_done(io, GW_OK);
		break;
	default:
		gw_io_done(io, GW_UNSUPPORTED);
	}
}

/* ---- READ from where it stands ------------------------------------------- */

static void memory_lend(struct gw_store *store, struct gw_store_lane *lane, struct loop *loop,
			struct gw_loan *loans, unsigned n)
{
	(void)loop;
	gw_tag_check(store, MEMORY_TAG);
	publish(lane);
	st_memory_epoch_enter(lane->pages);
	st_memory_table_lend(&store->table, loans, n);
	st_memory_epoch_exit(lane->pages);
}

static void memory_back(struct gw_store *store, struct gw_store_lane *lane, void *page)
{
	(void)store;
	(void)lane;
	if (page)
		st_memory_epoch_back(page);
}

/* Nothing waits to be written anywhere. */
static uint64_t memory_dirty_bytes(struct gw_store *store)
{
	(void)store;
	return 0;
}

const struct gw_store_ops st_memory_ops = {
	.struct_size = sizeof(struct gw_store_ops),
	.abi = GW_STORE_ABI,
	.name = "memory",
	.help = "memory:SIZE is a sparse RAM disk; its contents end with the daemon",
	.open = memory_open,
	.close = memory_close,
	.lane_open = memory_lane_open,
	.lane_close = memory_lane_close,
	.submit = memory_submit,
	.dirty_bytes = memory_dirty_bytes,
	.lend = memory_lend,
	.back = memory_back,
};
