/* SPDX-License-Identifier: BSD-3-Clause
 *
 * lend.c - reads that are answered from where the store has the bytes.
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

#define FETCH_MOST 16384u /* more would leave the processor's cache before it is sent */

static void came_back(struct gw_lender *lender, void *loan)
{
	struct gw_lane *lane =
		(struct gw_lane *)((uint8_t *)lender - offsetof(struct gw_lane, lender));

	lane->n_lent--;
	gw_store_back(lane, loan);
}

void gw_lend_init(struct gw_lane *lane)
{
	lane->lender.back = came_back;
}

/* Pooled, and nobody else's. */
static bool can_hold(const struct gw_mem *mem)
{
	for (unsigned i = 0; i < mem->n; i++)
		if (!mem->buf[i] || mem->buf[i]->refs != 1 ||
		    mem->iov[i].iov_base != mem->buf[i]->mem)
			return false;
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

static bool lend_slice(struct gw_lane *lane, struct gw_mem *mem, unsigned i, uint64_t offset,
		       bool data_only)
{
	size_t length = mem->iov[i].iov_len;
	void *loan;
	const void *at = gw_store_lend(lane, offset, (uint32_t)length, &loan);

	if (!at)
		return false;
	mem->iov[i].iov_base = (void *)(uintptr_t)at;
	mem->buf[i]->lender = &lane->lender;
	mem->buf[i]->loan = loan;
	lane->n_lent++;
	if (data_only && looks_empty(lane->gwl->loop, at, length))
		return false;
	fetch(at, length);
	return true;
}

struct drv_file *gw_itl_lent_file(const struct gw_itl *itl)
{
	return gw_store_lent_file(itl->lane);
}

bool gw_lend(struct gw_req *req)
{
	uint64_t at = req->offset;

	gw_mem_own(&req->data); /* of another request, before: not to be read into */
	if (!can_hold(&req->data))
		return false;
	for (unsigned i = 0; i < req->data.n; i++) {
		if (!lend_slice(req->lane, &req->data, i, at, req->flags & GW_LEND_DATA)) {
			gw_mem_own(&req->data);
			return false;
		}
		at += req->data.iov[i].iov_len;
	}
	req->lane->counts.lent++;
	return true;
}
