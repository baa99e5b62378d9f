/* SPDX-License-Identifier: BSD-3-Clause
 *
 * core_rig.c - see core_rig.h.
 */
#include "config.h"

#include "tests/unit/gateway/core/core_rig.h"

#include <string.h>

#include "gateway/base/log.h"
#include "gateway/core/registry.h"

static struct gw_credit credit[HAND_LOOPS];
static uint64_t ends;

struct loop *rig_loop(const struct rig *rig, unsigned i)
{
	return loop_set_get(rig->set, i);
}

struct gw_credit *rig_credit(struct rig *rig, unsigned loop)
{
	(void)rig;
	return &credit[loop];
}

static void no_log(void *arg, enum log_level level, enum log_area area, const char *text)
{
	(void)arg;
	(void)level;
	(void)area;
	(void)text;
}

/* ---- time and turns ----------------------------------------------------- */

static bool has_work(struct rig *rig, unsigned i)
{
	return drv_hand_ready(i) || loop_next_timer(rig_loop(rig, i)).ns <= drv_hand_now();
}

static unsigned turn(struct rig *rig, unsigned i)
{
	unsigned before = drv_hand_at(i);
	unsigned ran = loop_turn(rig_loop(rig, i), (struct instant){ 0 });

	drv_hand_at(before);
	return ran;
}

bool rig_step(struct rig *rig)
{
	unsigned ready[HAND_LOOPS], n = 0;

	for (unsigned i = 0; i < rig->n; i++)
		if (has_work(rig, i))
			ready[n++] = i;
	if (n)
		turn(rig, ready[n > 1 ? drv_hand_random() % n : 0]);
	return n > 0;
}

static int64_t next_mail(const struct rig *rig)
{
	int64_t due = INT64_MAX;

	for (unsigned i = 0; i < rig->n; i++)
		due = drv_hand_due(i) < due ? drv_hand_due(i) : due;
	return due;
}

void rig_settle(struct rig *rig)
{
	for (;;) {
		unsigned ran = 0;

		while (rig_step(rig))
			;
		for (unsigned i = 0; i < rig->n; i++) /* tasks are not seen from outside */
			ran += turn(rig, i);
		if (ran)
			continue;
		if (next_mail(rig) == INT64_MAX)
			return;
		if (next_mail(rig) > drv_hand_now())
			drv_hand_set_now(next_mail(rig));
	}
}

void rig_pass(struct rig *rig, int64_t ms)
{
	int64_t until = drv_hand_now() + ms * 1000000;

	rig_settle(rig);
	for (;;) {
		int64_t next = next_mail(rig);

		for (unsigned i = 0; i < rig->n; i++) {
			int64_t timer = loop_next_timer(rig_loop(rig, i)).ns;

			next = timer < next ? timer : next;
		}
		if (next > until)
			break;
		if (next > drv_hand_now())
			drv_hand_set_now(next);
		while (rig_step(rig))
			;
		for (unsigned i = 0; i < rig->n; i++)
			while (turn(rig, i))
				;
	}
	drv_hand_set_now(until > drv_hand_now() ? until : drv_hand_now());
	rig_settle(rig);
}

/* ---- the gateway -------------------------------------------------------- */

static const struct gw_limits no_limits;

void rig_begin(struct rig *rig, unsigned n, uint64_t seed, const struct gw_limits *limits)
{
	static bool registered;
	struct gw_err err = { 0 };
	struct gw_nexus_names names = { "test", "initiator", "target" };

	if (!registered)
		assert_int_equal(gw_registry_add_store(&fake_store_ops, &err), 0);
	registered = true;
	log_set_sink(no_log, NULL);
	*rig = (struct rig){ .n = n };
	drv_hand_reset(seed);
	assert_int_equal(loop_set_create(n, &drv_hand, &rig->set, &err), 0);
	assert_int_equal(gw_create(rig->set, limits ? limits : &no_limits, &rig->gw, &err), 0);
	for (unsigned i = 0; i < n; i++) {
		drv_hand_at(i);
		rig->nexus[i] = gw_nexus_open(rig->gw, rig_loop(rig, i), &names);
		assert_non_null(rig->nexus[i]);
		assert_true(gw_credit_open(gw_pool_of(rig->gw, rig_loop(rig, i)), 0, UINT64_MAX,
					   &credit[i]));
	}
	drv_hand_at(0);
}

void rig_end(struct rig *rig)
{
	for (unsigned i = 0; i < rig->n; i++) {
		drv_hand_at(i);
		gw_nexus_close(&rig->nexus[i]);
		gw_credit_close(&credit[i]);
	}
	drv_hand_at(0);
	rig_settle(rig);
	assert_int_equal(atomic_load(&rig->gw->nexuses), 0);
	gw_destroy(&rig->gw);
	loop_set_destroy(&rig->set);
	log_set_sink(NULL, NULL);
}

static void admin_done(struct gw_admin_op *op)
{
	((struct admin *)op)->ended++;
}

void rig_admin_init(struct admin *admin)
{
	*admin = (struct admin){ .op.done = admin_done };
}

int rig_wait(struct rig *rig, struct admin *admin)
{
	for (int i = 0; i < 100000 && !admin->ended; i++) {
		rig_settle(rig);
		if (!admin->ended)
			rig_pass(rig, 10);
	}
	assert_int_equal(admin->ended, 1);
	return admin->op.rc;
}

static int wait_err(struct rig *rig, struct admin *admin, struct gw_err *err)
{
	int rc = rig_wait(rig, admin);

	if (err)
		*err = admin->op.err;
	return rc;
}

int rig_add(struct rig *rig, const char *name, uint32_t block, bool write_through, bool read_only,
	    struct gw_err *err)
{
	struct gw_volume_want want = {
		.name = name,
		.store = "fake",
		.args = { .target = name, .read_only = read_only },
		.block_bytes = block,
		.write_through = write_through,
	};
	struct admin admin;

	rig_admin_init(&admin);
	drv_hand_at(0);
	gw_volume_add(rig->gw, &want, &admin.op);
	return wait_err(rig, &admin, err);
}

int rig_remove(struct rig *rig, const char *name, int64_t within_ms, struct gw_err *err)
{
	struct instant until = { drv_hand_now() + within_ms * 1000000 };
	struct admin admin;

	rig_admin_init(&admin);
	drv_hand_at(0);
	gw_volume_remove(rig->gw, name, until, &admin.op);
	return wait_err(rig, &admin, err);
}

int rig_refresh(struct rig *rig, const char *name)
{
	struct admin admin;

	rig_admin_init(&admin);
	drv_hand_at(0);
	gw_volume_refresh(rig->gw, name, &admin.op);
	return rig_wait(rig, &admin);
}

static void itl_ready(struct gw_itl *itl, void *owner, enum gw_status status)
{
	struct rig *rig = owner;

	(void)itl;
	rig->readied++;
	rig->ready = status;
}

static void itl_event(struct gw_itl *itl, void *owner, const struct gw_event *event)
{
	struct rig *rig = owner;

	(void)itl;
	rig->events[event->kind]++;
	rig->event_size = event->size_bytes;
}

static const struct gw_itl_ops itl_ops = { .ready = itl_ready, .event = itl_event };

void rig_join(struct rig *rig, const char *name)
{
	rig->volume = gw_volume_find(rig->gw, name);
	assert_non_null(rig->volume);
	rig->readied = 0;
	for (unsigned i = 0; i < rig->n; i++) {
		drv_hand_at(i);
		rig->itl[i] = gw_itl_open(rig->nexus[i], rig->volume, false, &itl_ops, rig);
		assert_non_null(rig->itl[i]);
	}
	drv_hand_at(0);
	rig_settle(rig);
	assert_int_equal(rig->readied, rig->n);
}

void rig_leave(struct rig *rig)
{
	for (unsigned i = 0; i < rig->n; i++) {
		drv_hand_at(i);
		gw_itl_close(&rig->itl[i]);
	}
	drv_hand_at(0);
}

void rig_up(struct rig *rig, const char *name, uint32_t block)
{
	struct gw_err err = { 0 };

	if (rig_add(rig, name, block, false, false, &err))
		fail_msg("%s", err.text);
	rig_join(rig, name);
	assert_int_equal(rig->ready, GW_OK);
}

void rig_down(struct rig *rig, const char *name)
{
	struct gw_err err = { 0 };

	rig_leave(rig);
	rig_settle(rig);
	if (rig_remove(rig, name, 60000, &err))
		fail_msg("%s", err.text);
	rig->volume = NULL;
}

/* ---- calls -------------------------------------------------------------- */

static void call_done(struct gw_req *req)
{
	struct call *call = req->owner;

	call->ended++;
	call->status = req->status;
	call->info = req->info;
	call->bytes_done = req->bytes_done;
	call->when = ++ends;
	if (call->then)
		call->then(call);
	if (!call->keep)
		gw_req_put(&call->req);
}

struct gw_req *rig_take(struct rig *rig, unsigned loop, struct call *call, enum gw_op op,
			uint64_t offset, uint64_t length)
{
	struct gw_req *req;
	unsigned before = drv_hand_at(loop);

	req = gw_req_take(rig->itl[loop]);
	assert_non_null(req);
	call->req = req;
	call->ended = 0;
	call->loop = loop;
	req->op = op;
	req->offset = offset;
	req->length = length;
	req->done = call_done;
	req->owner = call;
	drv_hand_at(before);
	return req;
}

void rig_memory(struct rig *rig, struct gw_req *req)
{
	unsigned loop = loop_index(req->lane->gwl->loop);

	(void)rig;
	if (req->length)
		assert_int_equal(gw_mem_take(&credit[loop], (uint32_t)req->length, 0, &req->data),
				 req->length);
}

void rig_submit(struct call *call)
{
	unsigned before = drv_hand_at(call->loop);

	gw_req_submit(call->req);
	drv_hand_at(before);
}

void rig_abort(struct call *call)
{
	unsigned before = drv_hand_at(call->loop);

	gw_req_abort(call->req);
	drv_hand_at(before);
}

void rig_orphan(struct call *call)
{
	unsigned before = drv_hand_at(call->loop);

	gw_req_orphan(&call->req);
	drv_hand_at(before);
}

void rig_put(struct call *call)
{
	unsigned before = drv_hand_at(call->loop);

	gw_req_put(&call->req);
	drv_hand_at(before);
}

void rig_write(struct rig *rig, unsigned loop, struct call *call, uint64_t offset, uint64_t length,
	       uint8_t fill)
{
	struct gw_req *req = rig_take(rig, loop, call, GW_WRITE, offset, length);

	rig_memory(rig, req);
	for (unsigned i = 0; i < req->data.n; i++)
		memset(req->data.iov[i].iov_base, fill, req->data.iov[i].iov_len);
	rig_submit(call);
}

enum gw_status rig_result(struct rig *rig, struct call *call)
{
	rig_settle(rig);
	assert_int_equal(call->ended, 1);
	return call->status;
}

void rig_unhold_one(struct rig *rig, struct fake_store *fake, struct fake_io *fio,
		    enum gw_status status)
{
	unsigned before;

	(void)rig;
	assert_non_null(fio);
	before = drv_hand_at(loop_index(fio->io->loop));
	fake_store_end(fake, fio, status);
	drv_hand_at(before);
}

void rig_unhold(struct rig *rig, struct fake_store *fake)
{
	struct fake_io *fio;

	rig_settle(rig);
	while ((fio = TAILQ_FIRST(&fake->held))) {
		rig_unhold_one(rig, fake, fio, fio->status);
		rig_settle(rig);
	}
}

void rig_assert_idle(struct rig *rig)
{
	rig_settle(rig);
	for (unsigned i = 0; i < rig->n; i++) {
		const struct gw_loop *gwl = rig->gw->per[i];
		const struct gw_lane *lane = &rig->volume->lane[i];

		assert_int_equal(gwl->in_use, 0);
		assert_int_equal(gwl->bounce.used_bytes, 0);
		assert_int_equal(gwl->pool.used_bytes, 0);
		assert_int_equal(lane->n_guards, 0);
		assert_int_equal(lane->n_running, 0);
		assert_int_equal(lane->n_waiting, 0);
		assert_int_equal(lane->n_lent, 0);
		assert_true(TAILQ_EMPTY(&lane->guards));
	}
	assert_true(TAILQ_EMPTY(&rig->volume->fences));
}
