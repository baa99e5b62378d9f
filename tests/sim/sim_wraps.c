/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_wraps.c - counts, from outside, what only the daemon knows: that it waits for
 * memory or for a request (the pool is exhausted), that requests lose their owner while
 * they run, and that AoE's guard keeps a write away.  The linker's --wrap puts these in
 * the way.
 */
#include "config.h"

#include "gateway/api/buf.h"
#include "gateway/api/req.h"
#include "protocols/aoe/aoe_order.h"
#include "tests/sim/sim_run.h"

void __real_gw_req_wait(struct gw_itl *itl, struct gw_req_waiter *waiter);
void __wrap_gw_req_wait(struct gw_itl *itl, struct gw_req_waiter *waiter);
void __real_gw_credit_wait(struct gw_mem_waiter *waiter, struct gw_credit *credit, uint64_t bytes);
void __wrap_gw_credit_wait(struct gw_mem_waiter *waiter, struct gw_credit *credit, uint64_t bytes);
void __real_gw_req_orphan(struct gw_req **req);
void __wrap_gw_req_orphan(struct gw_req **req);
enum aoe_order_verdict __real_aoe_order_seen(struct aoe_order *order,
					     const struct aoe_order_write *write,
					     struct aoe_order_ticket *ticket,
					     struct aoe_order_answer *answer);
enum aoe_order_verdict __wrap_aoe_order_seen(struct aoe_order *order,
					     const struct aoe_order_write *write,
					     struct aoe_order_ticket *ticket,
					     struct aoe_order_answer *answer);

static void count(enum sim_cover kind)
{
	if (sim_run_world())
		sim_count(sim_run_world(), kind);
}

void __wrap_gw_req_wait(struct gw_itl *itl, struct gw_req_waiter *waiter)
{
	count(SIM_COVER_POOL);
	__real_gw_req_wait(itl, waiter);
}

void __wrap_gw_credit_wait(struct gw_mem_waiter *waiter, struct gw_credit *credit, uint64_t bytes)
{
	count(SIM_COVER_POOL);
	__real_gw_credit_wait(waiter, credit, bytes);
}

void __wrap_gw_req_orphan(struct gw_req **req)
{
	count(SIM_COVER_ABORT);
	__real_gw_req_orphan(req);
}

enum aoe_order_verdict __wrap_aoe_order_seen(struct aoe_order *order,
					     const struct aoe_order_write *write,
					     struct aoe_order_ticket *ticket,
					     struct aoe_order_answer *answer)
{
	enum aoe_order_verdict verdict = __real_aoe_order_seen(order, write, ticket, answer);

	if (verdict == AOE_ORDER_UNDER_WAY)
		count(SIM_COVER_AOE_UNDER_WAY);
	else if (verdict == AOE_ORDER_REPEAT)
		count(SIM_COVER_AOE_REPEATED);
	else if (verdict == AOE_ORDER_OVERTAKEN)
		count(SIM_COVER_AOE_OVERTAKEN);
	return verdict;
}
