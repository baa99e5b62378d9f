/* SPDX-License-Identifier: BSD-3-Clause
 *
 * visit.c - run something on every loop, one after the other (api/visit.h).  One mail
 * travels from loop to loop; nothing is shared.
 */
#include "config.h"

#include "gateway/api/visit.h"

#include "gateway/core/core.h"

static void visit_step(struct loop_mail *mail)
{
	struct gw_visit *visit =
		(struct gw_visit *)((uint8_t *)mail - offsetof(struct gw_visit, mail));
	struct gw *gw = visit->gw;

	if (visit->next == gw->n) {
		visit->done(visit);
		return;
	}
	visit->each(visit, loop_set_get(gw->loops, visit->next));
	visit->next++;
	loop_post(visit->next == gw->n ? visit->from : loop_set_get(gw->loops, visit->next),
		  &visit->mail);
}

void gw_visit_loops(struct gw *gw, struct loop *from, struct gw_visit *visit)
{
	visit->gw = gw;
	visit->from = from;
	visit->next = 0;
	visit->mail.run = visit_step;
	loop_post(loop_set_get(gw->loops, 0), &visit->mail);
}
