/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fence_chance_test.c - requests, fences, aborts, orphans, deadlines and nexuses
 * that come and go, on 1, 2 and 4 loops, in an order that a seed decides.  The
 * store looks at each write that reaches it and knows what may not be beside it;
 * at the end all has ended once, and no increment and no byte is lost.
 */
#include "config.h"

#include <string.h>

#include "tests/unit/gateway/core/core_rig.h"

#define BLOCK 512u
#define BLOCKS 64u
#define COUNTERS 16u /* the first blocks are only counted up */
#define SIZE (BLOCK * BLOCKS)
#define CALLS 48
#define FENCES 4
#define HALF_OPEN 3 /* nexuses whose client has come back by another */
#define NUMBERS (1u << 16)
#define OLD_MS 2200 /* by then its shadow stands */

enum fate { FREE, RUNS, LEFT };

struct work {
	struct call call;
	enum fate fate;
	unsigned block; /* whose only writer it is; BLOCKS: none */
	uint8_t fill;
	bool sure; /* its bytes are there when it ends well */
};

struct hand_fence {
	struct gw_fence_req req;
	unsigned loop, told;
	bool taken;
	enum gw_status status;
};

static struct rig rig;
static struct fake_store *fake;
static struct work work[CALLS];
static struct hand_fence fence[FENCES];
static int64_t came[NUMBERS]; /* when a request came to the store, by number */
static uint64_t barrier[HAND_LOOPS]; /* of the nexus: what was there when it joined */
static uint64_t joins, joined[HAND_LOOPS]; /* how many there were; which one this nexus was */
static uint64_t newest[BLOCKS]; /* the latest nexus whose write has begun here */
static struct gw_itl *half_open[HALF_OPEN];
static uint64_t added[COUNTERS];
static uint8_t sure[BLOCKS]; /* what a block holds, if nobody writes it now */
static bool unsure[BLOCKS], owned[BLOCKS];
static char wrong[200];

static unsigned chance(unsigned below)
{
	return (unsigned)(drv_hand_random() % below);
}

/* ---- what the store sees ------------------------------------------------ */

static struct gw_req *req_of(const struct gw_io *io)
{
	return (struct gw_req *)((uint8_t *)(uintptr_t)io - offsetof(struct gw_req, io));
}

static bool is_request(const struct gw_io *io)
{
	return io->op != GW_FLUSH || req_of(io)->tag == GW_REQ_TAG;
}

static void say(const char *what, const struct gw_io *a, uint64_t b)
{
	if (!wrong[0])
		snprintf(wrong, sizeof(wrong), "%s: op %d at %llu + %llu beside %llu", what, a->op,
			 (unsigned long long)a->offset, (unsigned long long)a->length,
			 (unsigned long long)b);
}

static unsigned loop_of(const struct gw_req *req)
{
	return loop_index(req->lane->gwl->loop);
}

/* `mine` begins while `other` is at the store. */
static void beside(const struct fake_io *mine, const struct fake_io *other)
{
	const struct gw_req *m = req_of(mine->io), *o = req_of(other->io);

	if (m == o || !gw_op_changes(m->op) || !gw_op_changes(o->op) ||
	    !gw_overlap(mine->io->offset, mine->io->length, other->io->offset, other->io->length))
		return;
	if (gw_plan_is_exclusive(m) || gw_plan_is_exclusive(o))
		say("two in one range", mine->io, other->number);
	if (m->submitted.ns - came[other->number % NUMBERS] > OLD_MS * 1000000ll)
		say("it overtakes an old one", mine->io, other->number);
	if (m->itl == rig.itl[loop_of(m)] && !m->orphan && other->number <= barrier[loop_of(m)])
		say("it was there before the nexus came", mine->io, other->number);
	if ((m->flags & o->flags & GW_IN_ORDER) && m->lane == o->lane &&
	    gw_overlap(m->offset, m->length, o->offset, o->length))
		say("out of order", mine->io, other->number);
}

/* Of each request: the joins that had ended when it was submitted, and its own
 * nexus's.  Nothing may begin where a nexus has written that joined after that. */
enum { CAME, MINE };

static void not_overtaken(const struct fake_io *fio)
{
	const struct gw_req *req = req_of(fio->io);
	uint64_t end = (req->offset + req->length + BLOCK - 1) / BLOCK;

	if (!gw_op_changes(req->op))
		return;
	for (uint64_t block = req->offset / BLOCK; block < end; block++) {
		if (newest[block] > req->slot.u64[CAME])
			say("a newcomer has written here", fio->io, block);
		if (newest[block] < req->slot.u64[MINE])
			newest[block] = req->slot.u64[MINE];
	}
}

static void check_fences(const struct fake_io *fio)
{
	const struct gw_req *req = req_of(fio->io);
	/* a read may look at more than it was asked for */
	uint64_t offset = gw_op_changes(req->op) ? fio->io->offset : req->offset;
	uint64_t length = gw_op_changes(req->op) ? fio->io->length : req->length;

	for (unsigned i = 0; i < FENCES; i++) {
		const struct hand_fence *f = &fence[i];

		if (!f->taken || !f->told || f->status != GW_OK)
			continue;
		if (!gw_op_changes(req->op) && !(f->req.flags & GW_FENCE_READS))
			continue;
		if (gw_overlap(f->req.offset, f->req.length, offset, length))
			say("inside a fence", fio->io, f->req.offset);
	}
}

static enum fake_when decide(struct fake_store *f, struct fake_io *fio)
{
	struct fake_io *other;

	if (!is_request(fio->io))
		return FAKE_INSIDE;
	came[fio->number % NUMBERS] = drv_hand_now();
	if (fio->io->op != GW_FLUSH) {
		check_fences(fio);
		not_overtaken(fio);
		TAILQ_FOREACH (other, &f->held, link)
			if (other->io->op != GW_FLUSH)
				beside(fio, other);
	}
	switch (chance(4)) {
	case 0:
		return FAKE_INSIDE;
	case 1:
		return FAKE_LATER;
	default:
		return FAKE_HELD;
	}
}

/* ---- what the clients do ------------------------------------------------ */

static enum gw_status count_up(struct gw_req *req, struct gw_mem *old, uint64_t *info)
{
	uint64_t n;

	(void)info;
	gw_mem_copy_out(old, 0, &n, 8);
	n++;
	gw_mem_copy_in(old, 0, &n, 8);
	added[req->offset / BLOCK]++;
	return GW_OK;
}

static void ended(struct call *call)
{
	struct work *w = (struct work *)call;

	assert_int_equal(call->ended, 1);
	w->fate = FREE;
	if (w->block == BLOCKS)
		return;
	/* what ended too late may still land */
	owned[w->block] = call->status == GW_TIMEOUT;
	if (call->status == GW_OK && w->sure)
		sure[w->block] = w->fill;
	else if (w->sure)
		unsure[w->block] = true;
}

static struct gw_req *begin_work(struct work *w, enum gw_op op, unsigned block, unsigned blocks)
{
	*w = (struct work){ .fate = RUNS, .block = BLOCKS, .call.then = ended };
	return rig_take(&rig, chance(rig.n), &w->call, op, (uint64_t)block * BLOCK,
			(uint64_t)blocks * BLOCK);
}

static void fill(struct work *w, uint8_t byte)
{
	struct gw_req *req = w->call.req;

	w->fill = byte;
	rig_memory(&rig, req);
	for (unsigned i = 0; i < req->data.n; i++)
		memset(req->data.iov[i].iov_base, byte, req->data.iov[i].iov_len);
}

static struct work *free_work(void)
{
	struct work *w = &work[chance(CALLS)];

	return w->fate == FREE ? w : NULL;
}

static void submit(struct work *w)
{
	if (chance(8) == 0)
		w->call.req->deadline =
			(struct instant){ drv_hand_now() + (int64_t)chance(3000) * 1000000 };
	w->call.req->slot.u64[CAME] = joins;
	w->call.req->slot.u64[MINE] = joined[w->call.loop];
	rig_submit(&w->call);
}

/* A block that has one writer at a time, so that its bytes are known. */
static void write_sure(void)
{
	unsigned block = COUNTERS + chance(24);
	struct work *w = free_work();

	if (!w || owned[block] || unsure[block])
		return;
	begin_work(w, GW_WRITE, block, 1);
	fill(w, (uint8_t)(1 + chance(255)));
	w->block = block;
	w->sure = true;
	owned[block] = true;
	w->call.req->flags = chance(4) ? 0 : GW_FUA;
	submit(w);
}

static void write_any(void)
{
	unsigned block = COUNTERS + 24 + chance(24 - 1);
	struct work *w = free_work();

	if (!w)
		return;
	begin_work(w, chance(4) ? GW_WRITE : GW_ZERO, block, 1 + chance(BLOCKS - block));
	if (w->call.req->op == GW_WRITE)
		fill(w, (uint8_t)chance(256));
	w->call.req->flags = chance(2) ? GW_IN_ORDER : 0;
	submit(w);
}

static void modify(void)
{
	struct work *w = free_work();

	if (!w)
		return;
	begin_work(w, GW_MODIFY, chance(COUNTERS), 1)->modify = count_up;
	submit(w);
}

static void read_any(void)
{
	unsigned block = chance(BLOCKS);
	struct work *w = free_work();

	if (!w)
		return;
	begin_work(w, chance(8) ? GW_READ : GW_FLUSH, block, 1 + chance(BLOCKS - block));
	if (w->call.req->op == GW_READ)
		rig_memory(&rig, w->call.req);
	submit(w);
}

/* Nobody hears of it again; what it wrote may be there or not. */
static void left(struct work *w)
{
	w->fate = FREE;
	if (w->block < BLOCKS)
		unsure[w->block] = true;
}

static void abort_or_leave(void)
{
	struct work *w = &work[chance(CALLS)];

	if (w->fate != RUNS)
		return;
	if (chance(2)) {
		rig_abort(&w->call);
		return;
	}
	rig_orphan(&w->call);
	left(w);
}

static const struct gw_itl_ops *itl_ops; /* the rig's */

static void close_nexus(struct gw_itl **itl, unsigned loop)
{
	for (unsigned i = 0; i < CALLS; i++)
		if (work[i].fate == RUNS && work[i].call.req->itl == *itl)
			left(&work[i]);
	drv_hand_at(loop);
	gw_itl_close(itl);
	drv_hand_at(0);
}

static void join(unsigned loop)
{
	barrier[loop] = fake->submitted;
	rig.readied = 0;
	drv_hand_at(loop);
	rig.itl[loop] = gw_itl_open(rig.nexus[loop], rig.volume, false, itl_ops, &rig);
	drv_hand_at(0);
	while (!rig.readied)
		if (!rig_step(&rig))
			drv_hand_set_now(drv_hand_now() + 10000);
	joined[loop] = ++joins;
}

/* A client goes with all that it has asked for, and comes back. */
static void come_and_go(void)
{
	unsigned loop = chance(rig.n);

	close_nexus(&rig.itl[loop], loop);
	join(loop);
}

/* A client comes back while its old nexus still holds what it asked for. */
static void come_beside(void)
{
	struct gw_itl **slot = &half_open[chance(HALF_OPEN)];
	unsigned loop = chance(rig.n);

	if (*slot)
		close_nexus(slot, loop_index((*slot)->lane->gwl->loop));
	*slot = rig.itl[loop];
	join(loop);
}

static void held(struct gw_fence_req *req, enum gw_status status)
{
	struct hand_fence *f = (struct hand_fence *)req;

	f->told++;
	f->status = status;
}

static void fence_or_not(void)
{
	struct hand_fence *f = &fence[chance(FENCES)];

	if (f->taken && f->told) {
		f->taken = false;
		drv_hand_at(f->loop);
		gw_fence_release(&f->req);
	} else if (!f->taken) {
		uint64_t block = chance(BLOCKS);

		*f = (struct hand_fence){ .taken = true, .loop = chance(rig.n) };
		f->req.held = held;
		f->req.offset = block * BLOCK;
		f->req.length = (1 + chance(8)) * BLOCK;
		f->req.flags = chance(2) ? GW_FENCE_READS : GW_FENCE_WRITES;
		drv_hand_at(f->loop);
		gw_fence_take(rig.volume, rig_loop(&rig, f->loop), &f->req);
	}
	drv_hand_at(0);
}

static void end_one(void)
{
	struct fake_io *fio = TAILQ_FIRST(&fake->held);

	for (unsigned n = fake->n_held ? chance(fake->n_held) : 0; n; n--)
		fio = TAILQ_NEXT(fio, link);
	if (fio)
		rig_unhold_one(&rig, fake, fio, GW_OK);
}

static void step(void)
{
	switch (chance(32)) {
	case 0 ... 3:
		write_sure();
		break;
	case 4 ... 7:
		write_any();
		break;
	case 8 ... 12:
		modify();
		break;
	case 13:
	case 14:
		read_any();
		break;
	case 15:
		if (chance(3) == 0)
			abort_or_leave();
		break;
	case 16:
		fence_or_not();
		break;
	case 17 ... 20:
		end_one();
		break;
	case 21:
		if (chance(20) == 0)
			come_and_go();
		else if (chance(20) == 0)
			come_beside();
		else if (chance(20) == 0)
			rig_pass(&rig, chance(1500));
		break;
	default:
		if (!rig_step(&rig))
			drv_hand_set_now(drv_hand_now() + 100000);
	}
}

/* ---- a run -------------------------------------------------------------- */

static void finish(void)
{
	for (unsigned round = 0; round < 1000; round++) {
		bool busy = fake->n_held > 0;

		rig_settle(&rig);
		while (fake->n_held)
			end_one();
		for (unsigned i = 0; i < FENCES; i++)
			if (fence[i].taken && fence[i].told) {
				drv_hand_at(fence[i].loop);
				gw_fence_release(&fence[i].req);
				drv_hand_at(0);
				fence[i].taken = false;
			} else {
				busy |= fence[i].taken;
			}
		for (unsigned i = 0; i < CALLS; i++)
			busy |= work[i].fate == RUNS;
		if (!busy)
			break;
		rig_pass(&rig, 1);
	}
	rig_settle(&rig);
}

static void check_bytes(void)
{
	for (unsigned i = 0; i < COUNTERS; i++) {
		uint64_t n;

		memcpy(&n, fake->bytes + i * BLOCK, 8);
		assert_int_equal(n, added[i]);
	}
	for (unsigned i = COUNTERS; i < COUNTERS + 24; i++)
		for (unsigned k = 0; k < BLOCK && !unsure[i] && !owned[i]; k++)
			assert_int_equal(fake->bytes[i * BLOCK + k], sure[i]);
}

static void one_run(unsigned n, uint64_t seed, unsigned steps)
{
	memset(work, 0, sizeof(work));
	memset(fence, 0, sizeof(fence));
	memset(barrier, 0, sizeof(barrier));
	memset(added, 0, sizeof(added));
	memset(sure, 0, sizeof(sure));
	memset(unsure, 0, sizeof(unsure));
	memset(owned, 0, sizeof(owned));
	memset(newest, 0, sizeof(newest));
	memset(joined, 0, sizeof(joined));
	joins = 0;
	wrong[0] = 0;
	fake_store_forget_all();
	rig_begin(&rig, n, seed, NULL);
	fake = fake_store_new("v", SIZE);
	fake->info.align_bytes = seed % 3 ? 4096 : 512;
	fake->info.memory_align_bytes = seed % 2 ? 512 : 1;
	fake->info.volatile_cache = true;
	rig_up(&rig, "v", BLOCK);
	itl_ops = rig.itl[0]->ops;
	drv_hand_delay(seed % 5 ? 500000 : 0);
	fake->decide = decide;
	for (unsigned i = 0; i < steps; i++) {
		step();
		if (wrong[0] || fake_store_breach(fake)[0])
			fail_msg("seed %llu, %u loops, step %u: %s%s", (unsigned long long)seed, n,
				 i, wrong, fake_store_breach(fake));
	}
	finish();
	for (unsigned i = 0; i < HALF_OPEN; i++)
		if (half_open[i])
			close_nexus(&half_open[i], loop_index(half_open[i]->lane->gwl->loop));
	for (unsigned i = 0; i < CALLS; i++)
		assert_int_equal(work[i].fate, FREE);
	rig_assert_idle(&rig);
	check_bytes();
	if (getenv("VERBOSE"))
		for (unsigned i = 0; i < n; i++) {
			const struct gw_lane_counts *c = &rig.volume->lane[i].counts;

			printf("# %llu/%u: writes %llu others %llu held %llu fences %llu "
			       "orphans %llu errors %llu\n",
			       (unsigned long long)seed, i, (unsigned long long)c->writes,
			       (unsigned long long)c->others, (unsigned long long)c->held,
			       (unsigned long long)c->fences, (unsigned long long)c->orphans,
			       (unsigned long long)c->errors);
		}
	fake->decide = NULL;
	rig_down(&rig, "v");
	fake_store_free(&fake);
	rig_end(&rig);
}

static void by_chance(void **state)
{
	unsigned seeds = getenv("SEEDS") ? (unsigned)atoi(getenv("SEEDS")) : 20;

	(void)state;
	for (unsigned n = 1; n <= 4; n *= 2)
		for (uint64_t seed = 1; seed <= seeds; seed++)
			one_run(n, seed, 5000);
}

HARNESS_MAIN(cmocka_unit_test(by_chance))
