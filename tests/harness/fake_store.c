/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fake_store.c - see fake_store.h.
 */
#include "config.h"

#include "tests/harness/fake_store.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "gateway/base/err.h"
#include "gateway/loop/loop.h"

struct gw_store {
	struct fake_store *fake;
};

struct gw_store_lane {
	struct fake_store *fake;
	unsigned index;
};

struct fake_loan {
	const struct gw_store_lane *lane;
	TAILQ_ENTRY(fake_loan) link;
};

_Static_assert(sizeof(struct fake_io) <= GW_IO_SLOT_BYTES, "it fits");

static TAILQ_HEAD(, fake_store) all = TAILQ_HEAD_INITIALIZER(all);

static void breach(struct fake_store *fake, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void breach(struct fake_store *fake, const char *fmt, ...)
{
	va_list ap;

	if (fake->breach[0])
		return;
	va_start(ap, fmt);
	vsnprintf(fake->breach, sizeof(fake->breach), fmt, ap);
	va_end(ap);
}

const char *fake_store_breach(const struct fake_store *fake)
{
	return fake->breach;
}

/* ---- the object --------------------------------------------------------- */

void fake_store_resize(struct fake_store *fake, uint64_t size_bytes)
{
	uint64_t units = size_bytes / FAKE_UNIT + 1;
	uint64_t keep = size_bytes < fake->size_bytes ? size_bytes : fake->size_bytes;
	uint8_t *bytes = calloc(1, size_bytes + 1), *durable = calloc(1, size_bytes + 1);
	uint8_t *hole = malloc(units);

	GW_CHECK(bytes && durable && hole);
	memset(hole, 1, units);
	if (fake->bytes) {
		memcpy(bytes, fake->bytes, keep);
		memcpy(durable, fake->durable, keep);
		memcpy(hole, fake->hole, keep / FAKE_UNIT);
	}
	free(fake->bytes);
	free(fake->durable);
	free(fake->hole);
	fake->bytes = bytes;
	fake->durable = durable;
	fake->hole = hole;
	fake->size_bytes = size_bytes;
	fake->info.size_bytes = size_bytes;
}

struct fake_store *fake_store_new(const char *target, uint64_t size_bytes)
{
	struct fake_store *fake = calloc(1, sizeof(*fake));

	GW_CHECK(fake);
	fake->target = target;
	fake->info.can = GW_STORE_CAN(GW_FLUSH) | GW_STORE_CAN(GW_UNMAP) | GW_STORE_CAN(GW_ZERO) |
			 GW_STORE_CAN(GW_EXTENTS) | GW_STORE_CAN(GW_PREFETCH);
	fake->info.align_bytes = fake->info.memory_align_bytes = 1;
	fake->info.fast_zero = true;
	fake->info.lends = true;
	TAILQ_INIT(&fake->held);
	TAILQ_INIT(&fake->loans);
	pthread_mutex_init(&fake->lock, NULL);
	fake_store_resize(fake, size_bytes);
	TAILQ_INSERT_TAIL(&all, fake, link);
	return fake;
}

void fake_store_forget_all(void)
{
	TAILQ_INIT(&all);
}

void fake_store_free(struct fake_store **address)
{
	struct fake_store *fake = *address;

	if (!fake)
		return;
	*address = NULL;
	TAILQ_REMOVE(&all, fake, link);
	pthread_mutex_destroy(&fake->lock);
	free(fake->bytes);
	free(fake->durable);
	free(fake->hole);
	free(fake);
}

/* ---- what was promised -------------------------------------------------- */

static bool is_ours(const struct fake_store *fake, const struct iovec *slice)
{
	uintptr_t at = (uintptr_t)slice->iov_base, ours = (uintptr_t)fake->bytes;

	return at < ours + fake->size_bytes && ours < at + slice->iov_len;
}

static void check_slices(struct fake_store *fake, const struct gw_io *io)
{
	uint32_t align = fake->info.memory_align_bytes;
	uint64_t sum = 0;

	if (!io->niov || io->niov > 16)
		breach(fake, "%u slices", io->niov);
	for (unsigned i = 0; i < io->niov; i++) {
		if ((uintptr_t)io->iov[i].iov_base % align)
			breach(fake, "slice %u lies at %p", i, io->iov[i].iov_base);
		if (i + 1 < io->niov && io->iov[i].iov_len % align)
			breach(fake, "slice %u has %zu bytes", i, io->iov[i].iov_len);
		if (!io->iov[i].iov_len)
			breach(fake, "slice %u is empty", i);
		if (is_ours(fake, &io->iov[i]))
			breach(fake, "slice %u lies in what was lent", i);
		sum += io->iov[i].iov_len;
	}
	if (sum != io->length)
		breach(fake, "slices of %llu bytes for %llu", (unsigned long long)sum,
		       (unsigned long long)io->length);
}

static void check_range(struct fake_store *fake, const struct gw_io *io)
{
	const struct gw_store_info *info = &fake->info;
	bool moves = io->op == GW_READ || io->op == GW_WRITE;
	uint64_t max = moves ? info->transfer_max_bytes : info->range_max_bytes;

	if (io->op == GW_EXTENTS || io->op == GW_PREFETCH)
		max = 0;
	else if (io->offset % info->align_bytes || io->length % info->align_bytes)
		breach(fake, "op %d at %llu + %llu is not aligned", io->op,
		       (unsigned long long)io->offset, (unsigned long long)io->length);
	if (!io->length || (max && io->length > max))
		breach(fake, "op %d of %llu bytes", io->op, (unsigned long long)io->length);
	if (io->offset > fake->size_bytes || io->length > fake->size_bytes - io->offset)
		breach(fake, "op %d at %llu + %llu of %llu", io->op, (unsigned long long)io->offset,
		       (unsigned long long)io->length, (unsigned long long)fake->size_bytes);
}

static void check_flags(struct fake_store *fake, const struct gw_io *io)
{
	static const uint32_t allowed[GW_OP_COUNT] = {
		[GW_WRITE] = GW_FUA,
		[GW_UNMAP] = GW_FUA,
		[GW_ZERO] = GW_FUA | GW_NO_HOLE | GW_FAST_ONLY,
		[GW_EXTENTS] = GW_EXTENT_ONE,
	};

	if (io->flags & ~allowed[io->op])
		breach(fake, "op %d with flags %x", io->op, io->flags);
	if ((io->flags & GW_FUA) && !fake->info.fua)
		breach(fake, "FUA at a store that has none");
}

static void check_io(struct fake_store *fake, const struct gw_store_lane *lane,
		     const struct gw_io *io)
{
	if (!loop_is_home(io->loop) || lane->index != loop_index(io->loop))
		breach(fake, "on a foreign loop");
	if (!fake->lane_open[lane->index])
		breach(fake, "no lane is open there");
	if ((unsigned)io->op >= GW_OP_COUNT || io->op == GW_COMPARE || io->op == GW_MODIFY ||
	    io->op == GW_COPY) {
		breach(fake, "op %d reached the store", io->op);
		return;
	}
	if (io->op != GW_READ && io->op != GW_WRITE && !(fake->info.can & GW_STORE_CAN(io->op)))
		breach(fake, "op %d, which it cannot do", io->op);
	check_flags(fake, io);
	if (io->op == GW_FLUSH)
		return;
	check_range(fake, io);
	if (io->op == GW_READ || io->op == GW_WRITE)
		check_slices(fake, io);
}

/* ---- what a request does, when it ends ---------------------------------- */

static void set_hole(struct fake_store *fake, uint64_t offset, uint64_t length, bool hole)
{
	uint64_t first = offset / FAKE_UNIT, end = (offset + length + FAKE_UNIT - 1) / FAKE_UNIT;

	if (hole) { /* whole units only */
		first = (offset + FAKE_UNIT - 1) / FAKE_UNIT;
		end = (offset + length) / FAKE_UNIT;
	}
	for (; first < end; first++)
		fake->hole[first] = hole;
}

static void move_bytes(struct fake_store *fake, struct gw_io *io)
{
	uint8_t *at = fake->bytes + io->offset;

	for (unsigned i = 0; i < io->niov; i++) {
		if (io->op == GW_READ)
			memcpy(io->iov[i].iov_base, at, io->iov[i].iov_len);
		else
			memcpy(at, io->iov[i].iov_base, io->iov[i].iov_len);
		at += io->iov[i].iov_len;
	}
	if (io->op == GW_WRITE)
		set_hole(fake, io->offset, io->length, false);
}

static void tell_extents(const struct fake_store *fake, struct gw_io *io)
{
	uint64_t at = io->offset, end = io->offset + io->length;
	uint64_t step = fake->extent_step ? fake->extent_step : UINT64_MAX, next;

	while (at < end) {
		uint8_t hole = fake->hole[at / FAKE_UNIT];

		next = at;
		do
			next = (next / FAKE_UNIT + 1) * FAKE_UNIT;
		while (next < end && next - at < step && fake->hole[next / FAKE_UNIT] == hole);
		/* the last may reach past the range: the core clips */
		if (!io->extents->add(io->extents, next - at,
				      hole ? GW_EXTENT_HOLE | GW_EXTENT_ZERO : GW_EXTENT_DATA) ||
		    (io->flags & GW_EXTENT_ONE))
			return;
		at = next;
	}
}

static void act(struct fake_store *fake, struct gw_io *io)
{
	switch (io->op) {
	case GW_READ:
	case GW_WRITE:
		move_bytes(fake, io);
		break;
	case GW_UNMAP:
	case GW_ZERO:
		memset(fake->bytes + io->offset, 0, io->length);
		set_hole(fake, io->offset, io->length, !(io->flags & GW_NO_HOLE));
		break;
	case GW_FLUSH:
		memcpy(fake->durable, fake->bytes, fake->size_bytes);
		break;
	case GW_EXTENTS:
		tell_extents(fake, io);
		break;
	default:
		break;
	}
	if (io->op != GW_FLUSH && (!fake->info.volatile_cache || (io->flags & GW_FUA)))
		memcpy(fake->durable + io->offset, fake->bytes + io->offset, io->length);
}

/* Lock held. */
static void finish(struct fake_store *fake, struct fake_io *fio, enum gw_status status)
{
	if (status == GW_OK)
		act(fake, fio->io);
	fake->ended++;
}

void fake_store_end(struct fake_store *fake, struct fake_io *fio, enum gw_status status)
{
	struct gw_io *io = fio->io;

	pthread_mutex_lock(&fake->lock);
	TAILQ_REMOVE(&fake->held, fio, link);
	fake->n_held--;
	finish(fake, fio, status);
	pthread_mutex_unlock(&fake->lock);
	gw_io_done(io, status);
}

struct fake_io *fake_store_find(struct fake_store *fake, enum gw_op op, uint64_t offset,
				uint64_t length)
{
	struct fake_io *fio;

	TAILQ_FOREACH (fio, &fake->held, link)
		if (fio->io->op == op &&
		    (op == GW_FLUSH || (fio->io->offset < offset + length &&
					offset < fio->io->offset + fio->io->length)))
			return fio;
	return NULL;
}

/* ---- struct gw_store_ops ------------------------------------------------ */

static enum gw_status verdict(const struct fake_store *fake, const struct fake_io *fio)
{
	enum gw_op op = fio->io->op;

	if (fake->fail_at == fio->number)
		return fake->fail_with;
	if (op == GW_UNMAP || op == GW_ZERO || op == GW_PREFETCH || op == GW_EXTENTS)
		return fake->native_says;
	return GW_OK;
}

static void submit(struct gw_store *store, struct gw_store_lane *lane, struct gw_io *io)
{
	struct fake_store *fake = store->fake;
	struct fake_io *fio = (struct fake_io *)io->slot.bytes;
	enum fake_when when;

	pthread_mutex_lock(&fake->lock);
	check_io(fake, lane, io);
	*fio = (struct fake_io){ .io = io, .number = ++fake->submitted };
	fake->count[io->op]++;
	fio->status = verdict(fake, fio);
	when = fake->decide ? fake->decide(fake, fio) : fake->when;
	if (when == FAKE_MIXED)
		when = fio->number * 0x9e3779b97f4a7c15ull >> 63 ? FAKE_INSIDE : FAKE_LATER;
	if (when == FAKE_HELD) {
		TAILQ_INSERT_TAIL(&fake->held, fio, link);
		fake->n_held++;
	} else {
		finish(fake, fio, fio->status);
	}
	pthread_mutex_unlock(&fake->lock);
	if (when == FAKE_INSIDE)
		gw_io_done(io, fio->status);
	else if (when == FAKE_LATER)
		gw_io_done_elsewhere(io, fio->status);
}

static int fake_open(const struct gw_store_args *args, struct gw_store **out,
		     struct gw_store_info *info, struct gw_err *err)
{
	struct fake_store *fake;
	struct gw_store *store;

	TAILQ_FOREACH (fake, &all, link)
		if (strcmp(fake->target, args->target) == 0)
			break;
	if (!fake)
		return gw_err_set(err, ENOENT, "%s: no such fake", args->target);
	if (fake->open_rc)
		return gw_err_set(err, -fake->open_rc, "%s: %m", args->target);
	store = calloc(1, sizeof(*store));
	GW_CHECK(store);
	store->fake = fake;
	fake->opens++;
	fake->is_open = true;
	*info = fake->info;
	*out = store;
	return 0;
}

static void fake_close(struct gw_store **store)
{
	struct fake_store *fake;

	if (!*store)
		return;
	fake = (*store)->fake;
	if (fake->lanes || fake->submitted != fake->ended)
		breach(fake, "closed with %u lanes and %llu requests", fake->lanes,
		       (unsigned long long)(fake->submitted - fake->ended));
	if (!TAILQ_EMPTY(&fake->loans))
		breach(fake, "closed with %u loans", fake->lent - fake->backs);
	if (fake->at_close)
		fake->at_close(fake);
	fake->closes++;
	fake->is_open = false;
	free(*store);
	*store = NULL;
}

static int fake_refresh(struct gw_store *store, struct gw_store_info *info, struct gw_err *err)
{
	if (store->fake->refresh_rc)
		return gw_err_set(err, -store->fake->refresh_rc, "%s: %m", store->fake->target);
	*info = store->fake->info;
	return 0;
}

static int fake_lane_open(struct gw_store *store, struct loop *loop, struct gw_store_lane **out,
			  struct gw_err *err)
{
	struct fake_store *fake = store->fake;
	struct gw_store_lane *lane;

	if (fake->lane_fails_at == loop_index(loop) + 1)
		return gw_err_set(err, ENOMEM, "%s: no lane on loop %u", fake->target,
				  loop_index(loop));
	lane = calloc(1, sizeof(*lane));
	GW_CHECK(lane);
	lane->fake = fake;
	lane->index = loop_index(loop);
	fake->lane_open[lane->index] = true;
	fake->lanes++;
	*out = lane;
	return 0;
}

static void fake_lane_close(struct gw_store_lane **lane)
{
	struct fake_store *fake = (*lane)->fake;

	fake->lane_open[(*lane)->index] = false;
	fake->lanes--;
	free(*lane);
	*lane = NULL;
}

/* ---- lending ------------------------------------------------------------ */

static void check_lane(struct fake_store *fake, const struct gw_store_lane *lane, struct loop *loop)
{
	if (!loop_is_home(loop) || lane->index != loop_index(loop))
		breach(fake, "lends on a foreign loop");
	if (!fake->lane_open[lane->index])
		breach(fake, "lends where no lane is open");
}

static void lend_one(struct fake_store *fake, const struct gw_store_lane *lane,
		     struct gw_loan *asked)
{
	struct fake_loan *loan;

	if (!asked->length || asked->offset > fake->size_bytes ||
	    asked->length > fake->size_bytes - asked->offset)
		breach(fake, "lends %u bytes at %llu", asked->length,
		       (unsigned long long)asked->offset);
	if (asked->at || asked->token)
		breach(fake, "it is asked for what is lent");
	if (!fake->lends || ++fake->lends_asked == fake->lend_fails_at)
		return;
	loan = calloc(1, sizeof(*loan));
	GW_CHECK(loan);
	loan->lane = lane;
	TAILQ_INSERT_TAIL(&fake->loans, loan, link);
	fake->lent++;
	asked->at = fake->bytes + asked->offset;
	asked->token = loan;
}

static void fake_lend(struct gw_store *store, struct gw_store_lane *lane, struct loop *loop,
		      struct gw_loan *loans, unsigned n)
{
	struct fake_store *fake = store->fake;

	pthread_mutex_lock(&fake->lock);
	check_lane(fake, lane, loop);
	fake->lend_calls++;
	if (!n)
		breach(fake, "nothing is asked for");
	for (unsigned i = 0; i < n; i++)
		lend_one(fake, lane, &loans[i]);
	pthread_mutex_unlock(&fake->lock);
}

static void fake_back(struct gw_store *store, struct gw_store_lane *lane, void *returned)
{
	struct fake_store *fake = store->fake;
	struct fake_loan *loan;

	pthread_mutex_lock(&fake->lock);
	fake->backs++;
	TAILQ_FOREACH (loan, &fake->loans, link)
		if (loan == returned)
			break;
	if (!loan)
		breach(fake, "what is given back was not lent");
	else if (loan->lane != lane)
		breach(fake, "given back on another lane");
	if (loan)
		TAILQ_REMOVE(&fake->loans, loan, link);
	pthread_mutex_unlock(&fake->lock);
	free(loan);
}

static uint64_t fake_dirty_bytes(struct gw_store *store)
{
	return store->fake->dirty;
}

const struct gw_store_ops fake_store_ops = {
	.struct_size = sizeof(struct gw_store_ops),
	.abi = GW_STORE_ABI,
	.name = "fake",
	.help = "an array of bytes for tests",
	.open = fake_open,
	.close = fake_close,
	.refresh = fake_refresh,
	.lane_open = fake_lane_open,
	.lane_close = fake_lane_close,
	.submit = submit,
	.dirty_bytes = fake_dirty_bytes,
	.lend = fake_lend,
	.back = fake_back,
};
