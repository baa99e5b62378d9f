/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fallback.c - the steps of a request: what the store does natively in one, and
 * what it cannot by several that it can.
 *
 * A request has at most one io at its store.  The usual one is a single direct
 * step.  Parts that are not aligned as the store wants go through an aligned
 * window of bounce memory; order.c has seen to it that such a write has its
 * range alone.
 *
 *   next() ─┬─ all done ─▶ flush.c (durable, store has no FUA) ─▶ finish
 *           ├─ DIRECT / NATIVE / ZEROES ── at += part ─▶ next()
 *           └─ FILL (window read) ─▶ filled() ─▶ STORE (window written) ─▶ next()
 */
#include "config.h"

#include "gateway/core/core.h"
#include "gateway/core/plant.h"

#define WINDOW_BYTES 65536u

enum step { NOTHING, DIRECT, NATIVE, FILL, STORE };

static const uint8_t zeroes[WINDOW_BYTES] __attribute__((aligned(GW_PAGE_BYTES)));

static void next(struct gw_req *req);
static void io_done(struct gw_io *io);

static const struct gw_store_info *info_of(const struct gw_req *req)
{
	return &req->lane->info;
}

static uint64_t down(uint64_t n, uint32_t align)
{
	return n - n % align;
}

static uint64_t up(uint64_t n, uint32_t align)
{
	return down(n + align - 1, align);
}

static uint64_t left(const struct gw_req *req)
{
	return req->length - req->plan.at;
}

static uint32_t transfer_max(const struct gw_store_info *info)
{
	uint32_t max = info->transfer_max_bytes ? info->transfer_max_bytes : GW_BUF_MAX_BYTES;

	return max < GW_BUF_MAX_BYTES ? max : GW_BUF_MAX_BYTES;
}

static bool can(const struct gw_req *req, enum gw_op op)
{
	return info_of(req)->can & GW_STORE_CAN(op);
}

/* ---- what order.c asks -------------------------------------------------- */

bool gw_plan_is_exclusive(const struct gw_req *req)
{
	uint32_t align = req->lane->info.align_bytes;

	if (!req->length)
		return false;
	if (req->op == GW_MODIFY)
		return true;
	if (align == 1 || !gw_op_changes(req->op) || req->op == GW_RAW_CDB)
		return false;
	return req->offset % align || req->length % align;
}

void gw_plan_range(const struct gw_req *req, uint64_t *offset, uint64_t *length)
{
	uint32_t align = req->lane->info.align_bytes;

	*offset = down(req->offset, align);
	*length = up(req->offset + req->length, align) - *offset;
}

/* ---- submitting one step ------------------------------------------------ */

/* A store sees only the flags that mean something with this operation. */
static uint32_t store_flags(const struct gw_req *req, enum gw_op op)
{
	static const uint32_t meant[GW_OP_COUNT] = {
		[GW_WRITE] = GW_FUA,
		[GW_UNMAP] = GW_FUA,
		[GW_ZERO] = GW_FUA | GW_NO_HOLE | GW_FAST_ONLY,
		[GW_EXTENTS] = GW_EXTENT_ONE,
	};
	uint32_t flags = req->flags & meant[op];

	if (!info_of(req)->fua || gw_planted(GW_PLANT_EARLY_ACK))
		flags &= ~(uint32_t)GW_FUA;
	return flags;
}

static void issue(struct gw_req *req, enum step step, enum gw_op op, uint64_t offset,
		  uint64_t length)
{
	struct gw_io *io = &req->io;

	req->plan.step = (uint8_t)step;
	io->op = op;
	io->flags = store_flags(req, op);
	io->offset = offset;
	io->length = length;
	io->iov = req->iov;
	gw_store_submit(req->lane, io, io_done);
}

/* The next piece of the window goes in or out. */
static void issue_window(struct gw_req *req, enum step step)
{
	struct gw_plan *plan = &req->plan;
	uint32_t part = plan->window_bytes - plan->moved;
	uint32_t max = transfer_max(info_of(req));

	if (part > max)
		part = max;
	req->io.niov = gw_mem_iov(&req->bounce, plan->moved, part, req->iov);
	issue(req, step, step == FILL ? GW_READ : GW_WRITE, plan->window + plan->moved, part);
	/* moved grows when it is done: io.length tells by how much */
}

static void begin_window(struct gw_req *req, enum step step)
{
	req->plan.moved = 0;
	issue_window(req, step);
}

/* ---- bounce memory ------------------------------------------------------ */

static void memory_there(struct gw_mem_waiter *waiter)
{
	next((struct gw_req *)((uint8_t *)waiter - offsetof(struct gw_req, memory)));
}

/* The most that this request will ever need at once. */
static uint32_t bounce_need(const struct gw_req *req)
{
	uint32_t align = info_of(req)->align_bytes;
	uint64_t all = up(req->offset + req->length, align) - down(req->offset, align);

	if (req->op == GW_MODIFY)
		return (uint32_t)all;
	return all < WINDOW_BYTES ? (uint32_t)all : WINDOW_BYTES;
}

static bool have_bounce(struct gw_req *req)
{
	struct gw_loop *gwl = req->lane->gwl;
	uint32_t need = bounce_need(req);

	if (req->bounce.n || gw_mem_take(&gwl->bounce, need, 0, &req->bounce))
		return true;
	req->memory.wake = memory_there;
	gw_credit_wait(&req->memory, &gwl->bounce, need);
	return false;
}

/* The aligned window around the next bytes of the request. */
static void set_window(struct gw_req *req)
{
	struct gw_plan *plan = &req->plan;
	uint32_t align = info_of(req)->align_bytes;
	uint64_t from = req->offset + plan->at, end;

	plan->window = down(from, align);
	end = up(from + left(req), align);
	if (end - plan->window > req->bounce.bytes)
		end = plan->window + down(req->bounce.bytes, align);
	plan->window_bytes = (uint32_t)(end - plan->window);
	plan->part = (uint32_t)(end - from < left(req) ? end - from : left(req));
}

/* ---- direct steps ------------------------------------------------------- */

static bool memory_is_aligned(const struct gw_req *req, uint32_t from, uint32_t bytes,
			      const struct gw_store_info *info)
{
	struct iovec piece[GW_MEM_SLICES];
	unsigned n;

	if (info->memory_align_bytes <= 1)
		return true;
	n = gw_mem_iov(&req->data, from, bytes, piece);
	for (unsigned i = 0; i < n; i++)
		if ((uintptr_t)piece[i].iov_base % info->memory_align_bytes ||
		    (i + 1 < n && piece[i].iov_len % info->memory_align_bytes))
			return false;
	return true;
}

/* How many of the next bytes can go without a window; 0: none. */
static uint64_t direct_part(const struct gw_req *req, uint64_t max)
{
	const struct gw_store_info *info = info_of(req);
	uint64_t part = left(req) < max ? left(req) : max;

	if (info->align_bytes > 1) {
		if ((req->offset + req->plan.at) % info->align_bytes)
			return 0;
		part = down(part, info->align_bytes);
	}
	return part;
}

static bool try_direct(struct gw_req *req)
{
	struct gw_plan *plan = &req->plan;
	uint32_t part = (uint32_t)direct_part(req, transfer_max(info_of(req)));

	if (!part || !memory_is_aligned(req, (uint32_t)plan->at, part, info_of(req)))
		return false;
	plan->part = part;
	req->io.niov = gw_mem_iov(&req->data, (uint32_t)plan->at, part, req->iov);
	issue(req, DIRECT, req->op, req->offset + plan->at, part);
	return true;
}

static bool try_native(struct gw_req *req)
{
	uint64_t max = info_of(req)->range_max_bytes;
	uint64_t part = direct_part(req, max ? down(max, info_of(req)->align_bytes) : UINT64_MAX);

	if (!part || req->plan.no_native || !can(req, req->op))
		return false;
	req->plan.part = (uint32_t)(part < (1u << 31) ? part : 1u << 31);
	if (info_of(req)->align_bytes > 1)
		req->plan.part = (uint32_t)down(req->plan.part, info_of(req)->align_bytes);
	issue(req, NATIVE, req->op, req->offset + req->plan.at, req->plan.part);
	return true;
}

static bool try_zeroes(struct gw_req *req)
{
	uint32_t max = transfer_max(info_of(req));
	uint32_t part, rest;

	if (max > GW_MEM_SLICES * WINDOW_BYTES)
		max = GW_MEM_SLICES * WINDOW_BYTES;
	part = (uint32_t)direct_part(req, max);
	if (!part)
		return false;
	req->plan.part = part;
	req->io.niov = 0;
	for (rest = part; rest; rest -= (uint32_t)req->iov[req->io.niov++].iov_len) {
		req->iov[req->io.niov].iov_base = (void *)(uintptr_t)zeroes;
		req->iov[req->io.niov].iov_len = rest < WINDOW_BYTES ? rest : WINDOW_BYTES;
	}
	issue(req, DIRECT, GW_WRITE, req->offset + req->plan.at, part);
	return true;
}

/* ---- what each operation does next, while bytes are left ---------------- */

static void read_next(struct gw_req *req)
{
	if (try_direct(req) || !have_bounce(req))
		return;
	set_window(req);
	begin_window(req, FILL);
}

static void next_read(struct gw_req *req)
{
	bool first = !req->plan.at && !req->plan.unlent;

	if (!first || !(req->flags & GW_LEND) || !gw_lend(req))
		read_next(req);
}

void gw_plan_lent(struct gw_req *req, bool lent)
{
	if (!lent) {
		req->plan.unlent = true;
		read_next(req);
		return;
	}
	req->plan.at = req->length;
	gw_req_finish(req, GW_OK);
}

/* The new bytes of a WRITE, ZERO or UNMAP into the window. */
static void merge(struct gw_req *req)
{
	struct gw_plan *plan = &req->plan;
	uint32_t inside = (uint32_t)(req->offset + plan->at - plan->window);
	struct iovec piece[GW_MEM_SLICES];
	unsigned n;

	if (req->op != GW_WRITE) {
		gw_mem_zero(&req->bounce, inside, plan->part);
		return;
	}
	n = gw_mem_iov(&req->data, (uint32_t)plan->at, plan->part, piece);
	for (unsigned i = 0; i < n; i++) {
		gw_mem_copy_in(&req->bounce, inside, piece[i].iov_base, (uint32_t)piece[i].iov_len);
		inside += (uint32_t)piece[i].iov_len;
	}
}

static void write_window(struct gw_req *req)
{
	if (!have_bounce(req))
		return;
	set_window(req);
	if (req->plan.part == req->plan.window_bytes) {
		merge(req); /* only the memory was unaligned: nothing to keep */
		begin_window(req, STORE);
		return;
	}
	begin_window(req, FILL);
}

static void next_write(struct gw_req *req)
{
	if (!try_direct(req))
		write_window(req);
}

static void next_zero(struct gw_req *req)
{
	if (try_native(req))
		return;
	if ((req->flags & GW_FAST_ONLY) && (req->plan.no_native || !can(req, GW_ZERO))) {
		gw_req_finish_later(req, GW_NOT_FAST);
		return;
	}
	if (!try_zeroes(req))
		write_window(req);
}

static void next_unmap(struct gw_req *req)
{
	if (try_native(req))
		return;
	if (req->plan.no_native || !can(req, GW_UNMAP))
		gw_req_finish_later(req, GW_UNSUPPORTED);
	else
		write_window(req); /* the edges inside a block of the store */
}

static void next_window(struct gw_req *req)
{
	if (!have_bounce(req))
		return;
	set_window(req);
	begin_window(req, FILL);
}

/* The source must lie as the store wants it; the destination is checked too. */
static void next_copy(struct gw_req *req)
{
	uint32_t align = info_of(req)->align_bytes;
	uint64_t from = req->source_offset;

	if (req->source || from % align || req->offset % align || req->length % align ||
	    from > info_of(req)->size_bytes || req->length > info_of(req)->size_bytes - from) {
		gw_req_finish_later(req, GW_UNSUPPORTED);
		return;
	}
	if (!have_bounce(req))
		return;
	set_window(req);
	req->plan.window = from + req->plan.at;
	begin_window(req, FILL);
}

static void next_flush(struct gw_req *req)
{
	const struct gw_store_info *info = info_of(req);

	if (gw_planted(GW_PLANT_EARLY_ACK) || (!can(req, GW_FLUSH) && !info->volatile_cache)) {
		gw_req_finish_later(req, GW_OK);
		return;
	}
	if (!can(req, GW_FLUSH)) {
		gw_req_finish_later(req, GW_UNSUPPORTED);
		return;
	}
	gw_flush_join(req);
}

/* ---- extents: clipped and joined on their way to the owner -------------- */

static bool clip_flush(struct gw_req *req)
{
	struct gw_plan *plan = &req->plan;
	uint64_t length = plan->run_length;

	plan->run_length = 0;
	return !length || req->extents->add(req->extents, length, plan->run_flags);
}

static bool clip_add(struct gw_extents *sink, uint64_t length, uint32_t flags)
{
	struct gw_req *req = (struct gw_req *)((uint8_t *)sink - offsetof(struct gw_req, clip));
	struct gw_plan *plan = &req->plan;

	if (length > left(req))
		length = left(req);
	if (!length)
		return left(req) > 0;
	if (plan->run_length && plan->run_flags != flags && !clip_flush(req))
		return false;
	plan->run_flags = flags;
	plan->run_length += length;
	plan->at += length;
	return left(req) > 0;
}

static void next_extents(struct gw_req *req)
{
	req->clip.add = clip_add;
	if (can(req, GW_EXTENTS) && !req->plan.no_native) {
		req->io.extents = &req->clip;
		issue(req, NATIVE, GW_EXTENTS, req->offset, req->length);
		return;
	}
	clip_add(&req->clip, left(req), GW_EXTENT_DATA);
	clip_flush(req);
	gw_req_finish_later(req, GW_OK);
}

static void next_prefetch(struct gw_req *req)
{
	if (!try_native(req))
		gw_req_finish_later(req, GW_OK); /* it was only a hint */
}

static void next_raw(struct gw_req *req)
{
	if (!can(req, GW_RAW_CDB)) {
		gw_req_finish_later(req, GW_UNSUPPORTED);
		return;
	}
	req->io.cdb = req->cdb;
	req->io.cdb_bytes = req->cdb_bytes;
	req->io.sense = req->sense;
	req->io.sense_bytes = req->sense_bytes;
	req->io.niov = gw_mem_iov(&req->data, 0, req->data.bytes, req->iov);
	issue(req, NATIVE, GW_RAW_CDB, req->offset, req->length);
}

static void (*const next_of[GW_OP_COUNT])(struct gw_req *req) = {
	[GW_READ] = next_read,	   [GW_WRITE] = next_write,	[GW_FLUSH] = next_flush,
	[GW_UNMAP] = next_unmap,   [GW_ZERO] = next_zero,	[GW_COMPARE] = next_window,
	[GW_MODIFY] = next_window, [GW_EXTENTS] = next_extents, [GW_PREFETCH] = next_prefetch,
	[GW_COPY] = next_copy,	   [GW_RAW_CDB] = next_raw,
};

/* ---- what a filled window is for ---------------------------------------- */

static void filled_read(struct gw_req *req)
{
	struct gw_plan *plan = &req->plan;
	uint32_t inside = (uint32_t)(req->offset + plan->at - plan->window);
	struct iovec piece[GW_MEM_SLICES];
	unsigned n = gw_mem_iov(&req->data, (uint32_t)plan->at, plan->part, piece);

	for (unsigned i = 0; i < n; i++) {
		gw_mem_copy_out(&req->bounce, inside, piece[i].iov_base,
				(uint32_t)piece[i].iov_len);
		inside += (uint32_t)piece[i].iov_len;
	}
	plan->at += plan->part;
	next(req);
}

static void filled_write(struct gw_req *req)
{
	merge(req);
	begin_window(req, STORE);
}

static void filled_copy(struct gw_req *req)
{
	req->plan.window = req->offset + req->plan.at;
	begin_window(req, STORE);
}

static void filled_compare(struct gw_req *req)
{
	struct gw_plan *plan = &req->plan;
	uint32_t inside = (uint32_t)(req->offset + plan->at - plan->window);
	uint32_t same =
		gw_mem_same(&req->bounce, inside, &req->data, (uint32_t)plan->at, plan->part);

	if (same < plan->part) {
		req->info = plan->at + same;
		gw_req_finish(req, GW_MISCOMPARE);
		return;
	}
	plan->at += plan->part;
	next(req);
}

static void filled_modify(struct gw_req *req)
{
	struct gw_plan *plan = &req->plan;
	uint32_t inside = (uint32_t)(req->offset - plan->window);
	struct gw_mem old = { .bytes = (uint32_t)req->length };
	enum gw_status status;

	/* a view on the request's own bytes inside the window; it owns nothing */
	old.n = gw_mem_iov(&req->bounce, inside, old.bytes, old.iov);
	status = req->modify(req, &old, &req->info);
	if (status != GW_OK)
		gw_req_finish(req, status);
	else
		begin_window(req, STORE);
}

static void (*const filled_of[GW_OP_COUNT])(struct gw_req *req) = {
	[GW_READ] = filled_read,   [GW_WRITE] = filled_write,	  [GW_ZERO] = filled_write,
	[GW_UNMAP] = filled_write, [GW_COMPARE] = filled_compare, [GW_MODIFY] = filled_modify,
	[GW_COPY] = filled_copy,
};

/* ---- the machine -------------------------------------------------------- */

static bool needs_sync(const struct gw_req *req)
{
	const struct gw_store_info *info = info_of(req);

	if (!(req->flags & GW_FUA) || !info->volatile_cache)
		return false;
	if (!gw_op_changes(req->op) || gw_planted(GW_PLANT_EARLY_ACK))
		return false;
	return !info->fua || (req->op != GW_WRITE && req->op != GW_MODIFY && req->op != GW_COPY);
}

static bool is_ranged(enum gw_op op)
{
	return op != GW_FLUSH && op != GW_RAW_CDB && op != GW_EXTENTS;
}

static void next(struct gw_req *req)
{
	if (!is_ranged(req->op) || left(req)) {
		next_of[req->op](req);
		return;
	}
	if (!needs_sync(req))
		gw_req_finish(req, GW_OK);
	else if (can(req, GW_FLUSH))
		gw_flush_join(req);
	else
		gw_req_finish(req, GW_UNSUPPORTED);
}

void gw_plan_flushed(struct gw_req *req, enum gw_status status)
{
	if (status == GW_OK && atomic_load(&req->lane->volume->lost))
		status = GW_MEDIUM_ERROR; /* by a durable write beside it */
	req->bytes_done = req->plan.at;
	gw_req_finish(req, status);
}

/* A store with a FUA of its own could not do it. */
static bool is_about_durability(const struct gw_req *req, enum gw_status status)
{
	return (req->io.flags & GW_FUA) && req->io.op == GW_WRITE &&
	       (status == GW_MEDIUM_ERROR || status == GW_STORE_ERROR);
}

static void failed(struct gw_req *req, enum gw_status status)
{
	struct gw_plan *plan = &req->plan;

	if (plan->step == NATIVE && (status == GW_UNSUPPORTED || status == GW_NOT_FAST)) {
		plan->no_native = true;
		next(req);
		return;
	}
	if (is_about_durability(req, status))
		gw_flush_lost(req->lane->volume, status);
	req->bytes_done = plan->at;
	gw_req_finish(req, status);
}

static void moved(struct gw_req *req)
{
	struct gw_plan *plan = &req->plan;

	plan->moved += (uint32_t)req->io.length;
	if (plan->moved < plan->window_bytes) {
		issue_window(req, plan->step);
	} else if (plan->step == FILL) {
		filled_of[req->op](req);
	} else {
		plan->at += plan->part;
		next(req);
	}
}

static void native_done(struct gw_req *req)
{
	if (req->op == GW_EXTENTS || req->op == GW_RAW_CDB) {
		if (req->op == GW_EXTENTS)
			clip_flush(req);
		gw_req_finish(req, GW_OK);
		return;
	}
	req->plan.at += req->plan.part;
	next(req);
}

static void io_done(struct gw_io *io)
{
	struct gw_req *req = (struct gw_req *)((uint8_t *)io - offsetof(struct gw_req, io));
	struct gw_plan *plan = &req->plan;

	if (__builtin_expect(io->core_status != GW_OK, 0)) {
		failed(req, io->core_status);
		return;
	}
	switch ((enum step)plan->step) {
	case DIRECT:
		plan->at += plan->part;
		next(req);
		break;
	case NATIVE:
		native_done(req);
		break;
	case FILL:
	case STORE:
		moved(req);
		break;
	case NOTHING:
		GW_NOT_REACHED();
	}
}

void gw_plan_start(struct gw_req *req)
{
	if (__builtin_expect(atomic_load_explicit(&req->lane->volume->lost, memory_order_relaxed),
			     0) &&
	    (req->op == GW_FLUSH || (req->flags & GW_FUA))) {
		gw_req_finish_later(req, GW_MEDIUM_ERROR);
		return;
	}
	if (!req->length && req->op != GW_FLUSH && req->op != GW_RAW_CDB)
		gw_req_finish_later(req, GW_OK);
	else
		next(req);
}
