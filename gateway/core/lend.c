/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lend.c - reads that are answered from where the store has the bytes.
 *
 * All that a turn brought are asked for together, when it ends: what must be looked up is
 * scattered over memory, and a store that knows of all of them waits for it once.
 *
 * The request has its memory already, as every READ has.  What is lent takes the place
 * of it in the slices; the buffers stay, untouched, and stand for what is lent: they
 * count against the credit of whoever does not take his answer, and when one is given
 * back the store hears of it.  A volume goes only when all is back (volume_life.c).
 *
 *   gw_mem  iov[0] ──▶ the store's page        buf[0] ──▶ gw_buf ── lender ──▶ gw_lane
 */
#include "config.h"

#include <string.h>

#include "gateway/base/line.h"
#include "gateway/core/core.h"

#define LOANS_MOST (8 * GW_MEM_SLICES)
#define FETCH_MOST 16384u /* more would leave the processor's cache before it is sent */

static void came_back(struct gw_lender *lender, void *token)
{
	struct gw_lane *lane =
		(struct gw_lane *)((uint8_t *)lender - offsetof(struct gw_lane, lender));

	lane->n_lent--;
	gw_store_back(lane, token);
}

void gw_lend_lane_init(struct gw_lane *lane)
{
	lane->lender.back = came_back;
}

static bool is_in_one_unit(uint64_t offset, size_t length, uint32_t unit_bytes)
{
	return !unit_bytes || length <= unit_bytes - offset % unit_bytes;
}

/* Pooled, and nobody else's; and the store does not refuse it anyhow. */
static bool can_hold(const struct gw_mem *mem, uint64_t offset, uint32_t unit_bytes)
{
	for (unsigned i = 0; i < mem->n; i++) {
		const struct iovec *slice = &mem->iov[i];

		if (!mem->buf[i] || mem->buf[i]->refs != 1 || slice->iov_base != mem->buf[i]->mem ||
		    !is_in_one_unit(offset, slice->iov_len, unit_bytes))
			return false;
		offset += slice->iov_len;
	}
	return mem->n;
}

/* It is sent at the end of the turn; meanwhile the processor fetches it.  (An address that
 * is not there does no harm.) */
static void fetch(const uint8_t *at, size_t length)
{
	if (length > FETCH_MOST)
		return;
#pragma GCC unroll 16
	for (size_t i = 0; i < length; i += LINE_BYTES)
		__builtin_prefetch(at + i, 0, 2);
}

/* One line of each granule tells; what begins with zeroes and goes on otherwise is read
 * for nothing.  What cannot be looked at may be anything. */
static bool looks_empty(struct loop *loop, const uint8_t *at, size_t length)
{
	static const uint8_t zeroes[LINE_BYTES];
	uint8_t line[LINE_BYTES];

	for (size_t i = 0; i < length; i += GW_LEND_GRANULE_BYTES) {
		size_t n = length - i < LINE_BYTES ? length - i : LINE_BYTES;

		if (!loop_peek(loop, line, at + i, n) || !memcmp(line, zeroes, n))
			return true;
	}
	return false;
}

/* ---- what a turn brought, together --------------------------------------- */

/* Appends what this request asks for. */
static unsigned ask(const struct gw_req *req, struct gw_loan *loans)
{
	uint64_t at = req->offset;

	for (unsigned i = 0; i < req->data.n; i++) {
		uint32_t length = (uint32_t)req->data.iov[i].iov_len;

		loans[i] = (struct gw_loan){ .offset = at, .length = length };
		at += length;
	}
	return req->data.n;
}

/* All that was lent, into the slices; false: that is not all of them. */
static bool take(struct gw_lane *lane, struct gw_mem *mem, const struct gw_loan *loans)
{
	bool all = true;

	for (unsigned i = 0; i < mem->n; i++) {
		if (!loans[i].at) {
			all = false;
			continue;
		}
		mem->iov[i].iov_base = (void *)(uintptr_t)loans[i].at;
		mem->buf[i]->lender = &lane->lender;
		mem->buf[i]->loan = loans[i].token;
		lane->n_lent++;
	}
	return all;
}

static bool looks_like_data(struct loop *loop, const struct gw_mem *mem)
{
	for (unsigned i = 0; i < mem->n; i++)
		if (looks_empty(loop, mem->iov[i].iov_base, mem->iov[i].iov_len))
			return false;
	return true;
}

static void answer(struct gw_req *req, const struct gw_loan *loans)
{
	struct gw_mem *mem = &req->data;
	struct gw_lane *lane = req->lane;
	bool lent = take(lane, mem, loans);

	if (lent && (req->flags & GW_LEND_DATA))
		lent = looks_like_data(lane->gwl->loop, mem);
	if (lent) {
		for (unsigned i = 0; i < mem->n; i++)
			fetch(mem->iov[i].iov_base, mem->iov[i].iov_len);
		lane->counts.lent++;
	} else {
		gw_mem_own(mem);
	}
	gw_plan_lent(req, lent);
}

/* Its owner has left, or was told that it took too long; his memory may be gone with him. */
static bool is_wanted(const struct gw_req *req)
{
	return !req->orphan && req->state != GW_REQ_DONE;
}

static void give_back(struct gw_lane *lane, const struct gw_loan *loans, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		if (loans[i].at)
			gw_store_back(lane, loans[i].token);
}

static void settle(struct gw_req *req, const struct gw_loan *loans, unsigned n)
{
	if (is_wanted(req)) {
		answer(req, loans);
		return;
	}
	give_back(req->lane, loans, n);
	gw_req_finish(req, GW_OK);
}

/* The first of them and those behind it that are of the same lane, as many as fit.  An
 * answer may make others of them unwanted. */
static void lend_some(struct gw_req_list *list)
{
	struct {
		struct gw_req *req;
		unsigned n; /* slices, places */
	} asked[LOANS_MOST];
	struct gw_loan loans[LOANS_MOST], *next = loans;
	struct gw_lane *lane = TAILQ_FIRST(list)->lane;
	struct gw_req *req;
	unsigned n = 0, n_asked = 0;

	while ((req = TAILQ_FIRST(list)) && req->lane == lane && n_asked < LOANS_MOST &&
	       n + req->data.n <= LOANS_MOST) {
		TAILQ_REMOVE(list, req, done_link);
		asked[n_asked].req = req;
		asked[n_asked].n = is_wanted(req) ? ask(req, loans + n) : 0;
		n += asked[n_asked++].n;
	}
	if (n)
		gw_store_lend(lane, loans, n);
	for (unsigned i = 0; i < n_asked; next += asked[i++].n)
		settle(asked[i].req, next, asked[i].n);
}

static void lend_task(struct loop_task *task)
{
	struct gw_loop *gwl =
		(struct gw_loop *)((uint8_t *)task - offsetof(struct gw_loop, lend_task));
	struct gw_req_list now = TAILQ_HEAD_INITIALIZER(now);

	/* one that comes from inside done() waits for the next round */
	TAILQ_CONCAT(&now, &gwl->lending, done_link);
	while (!TAILQ_EMPTY(&now))
		lend_some(&now);
}

void gw_lend_init(struct gw_loop *gwl)
{
	TAILQ_INIT(&gwl->lending);
	gwl->lend_task.run = lend_task;
}

bool gw_lend(struct gw_req *req)
{
	const struct gw_store_info *info = &req->lane->info;
	struct gw_loop *gwl = req->lane->gwl;

	gw_mem_own(&req->data); /* of another request, before: not to be read into */
	if (!info->lends || !can_hold(&req->data, req->offset, info->lend_unit_bytes))
		return false;
	TAILQ_INSERT_TAIL(&gwl->lending, req, done_link);
	loop_defer(gwl->loop, &gwl->lend_task);
	return true;
}

struct drv_file *gw_itl_lent_file(const struct gw_itl *itl)
{
	return gw_store_lent_file(itl->lane);
}
