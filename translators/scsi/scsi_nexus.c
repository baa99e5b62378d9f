/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_nexus.c - an I_T nexus and its logical units come, hear of their volumes,
 * and go (scsi_unit.h).
 *
 * Above: the transports.  Below: gateway/api/nexus.h, one I_T_L nexus per unit.
 */
#include "config.h"

#include <stdlib.h>

#include "gateway/base/check.h"
#include "translators/scsi/scsi_abort.h"
#include "translators/scsi/scsi_dispatch.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_io.h"
#include "translators/scsi/scsi_luns.h"
#include "translators/scsi/scsi_order.h"
#include "translators/scsi/scsi_ua.h"

/* ---- what volumes tell --------------------------------------------------- */

static void itl_ready(struct gw_itl *itl, void *owner, enum gw_status status)
{
	struct scsi_unit *unit = owner;
	struct scsi_nexus *nexus = unit->nexus;

	(void)itl;
	unit->state = status == GW_OK ? SCSI_UNIT_JOINED : SCSI_UNIT_REFUSED;
	if (!--nexus->n_joining && nexus->ops->ready)
		nexus->ops->ready(nexus, nexus->owner);
}

/* The unit is no more: who asks gets LOGICAL UNIT NOT SUPPORTED, and the other
 * units tell that there is something to look for. */
static void going_away(struct scsi_unit *unit)
{
	struct scsi_nexus *nexus = unit->nexus;

	unit->going = true;
	for (unsigned i = 0; i < nexus->n_units; i++)
		if (scsi_unit_exists(&nexus->unit[i]))
			scsi_ua_raise(&nexus->unit[i], SCSI_UA_LUNS_CHANGED);
	/* one that has not joined is closed with the nexus */
	if (unit->state != SCSI_UNIT_JOINING)
		scsi_end_close(unit);
}

static void was_reset(struct scsi_unit *unit)
{
	struct scsi_nexus *nexus = unit->nexus;

	unit->d_sense = false;
	scsi_ua_raise(unit, SCSI_UA_DEVICE_RESET);
	if (nexus->ops->reset)
		nexus->ops->reset(nexus, nexus->owner, unit);
	scsi_abort_all(unit, nexus->last_number);
}

static void itl_event(struct gw_itl *itl, void *owner, const struct gw_event *event)
{
	struct scsi_unit *unit = owner;
	int attention = scsi_ua_of_event(event->kind);

	(void)itl;
	if (event->kind == GW_EVENT_GOING_AWAY)
		going_away(unit);
	else if (event->kind == GW_EVENT_RESET)
		was_reset(unit);
	else if (attention >= 0)
		scsi_ua_raise(unit, attention);
}

static const struct gw_itl_ops itl_ops = { .ready = itl_ready, .event = itl_event };

/* ---- come and go --------------------------------------------------------- */

static void unit_init(struct scsi_nexus *nexus, struct scsi_unit *unit)
{
	unit->nexus = nexus;
	TAILQ_INIT(&unit->tasks);
	TAILQ_INIT(&unit->waiting);
}

static struct scsi_nexus *nexus_alloc(unsigned n)
{
	struct scsi_nexus *nexus = calloc(/* allowed: a nexus comes seldom */
					  1, sizeof(*nexus) + n * sizeof(nexus->unit[0]));

	if (!nexus)
		return NULL;
	nexus->run = scsi_dispatch;
	TAILQ_INIT(&nexus->tmfs);
	unit_init(nexus, &nexus->nowhere);
	return nexus;
}

static bool unit_open(struct scsi_nexus *nexus, const struct gw_grant *grant)
{
	struct scsi_unit *unit = &nexus->unit[nexus->n_units];

	unit_init(nexus, unit);
	unit->number = (uint16_t)grant->lun;
	scsi_ua_raise(unit, SCSI_UA_RESET);
	unit->itl = gw_itl_open(nexus->nexus, grant->volume, grant->read_only, &itl_ops, unit);
	if (!unit->itl)
		return false;
	nexus->n_units++;
	nexus->n_joining++;
	return true;
}

/* The grant with the smallest number from `least`, or null: units stand in the
 * order of their numbers, whatever the order of the grants. */
static const struct gw_grant *next_grant(const struct gw_grant *grants, unsigned n, uint32_t least)
{
	const struct gw_grant *best = NULL;

	for (unsigned i = 0; i < n; i++)
		if (grants[i].lun >= least && (!best || grants[i].lun < best->lun))
			best = &grants[i];
	return best && best->lun <= SCSI_LUN_NUMBER_MAX ? best : NULL;
}

struct scsi_nexus *scsi_nexus_open(struct gw_nexus *gw_nexus, const struct scsi_port *port,
				   const struct gw_grant *grants, unsigned n,
				   const struct scsi_nexus_ops *ops, void *owner)
{
	unsigned room = n < SCSI_UNITS_MAX ? n : SCSI_UNITS_MAX;
	struct scsi_nexus *nexus = nexus_alloc(room);
	const struct gw_grant *grant;

	if (!nexus)
		return NULL;
	nexus->nexus = gw_nexus;
	nexus->port = port;
	nexus->ops = ops;
	nexus->owner = owner;
	for (uint32_t least = 0; nexus->n_units < room; least = grant->lun + 1) {
		grant = next_grant(grants, n, least);
		if (!grant)
			break;
		if (!unit_open(nexus, grant)) {
			scsi_nexus_close(&nexus);
			return NULL;
		}
	}
	return nexus;
}

static void leave_all(struct scsi_unit *unit)
{
	struct scsi_task *task;

	while ((task = TAILQ_FIRST(&unit->tasks))) {
		scsi_io_orphan(task);
		scsi_end_quietly(task); /* nobody's turn comes by this */
	}
	scsi_end_close(unit);
}

void scsi_nexus_leave(struct scsi_nexus *nexus)
{
	leave_all(&nexus->nowhere);
	for (unsigned i = 0; i < nexus->n_units; i++)
		leave_all(&nexus->unit[i]);
}

void scsi_nexus_close(struct scsi_nexus **nexusp)
{
	struct scsi_nexus *nexus = *nexusp;

	*nexusp = NULL;
	if (!nexus)
		return;
	GW_CHECK(!nexus->nowhere.n_tasks && TAILQ_EMPTY(&nexus->tmfs));
	for (unsigned i = 0; i < nexus->n_units; i++) {
		GW_CHECK(!nexus->unit[i].n_tasks);
		gw_itl_close(&nexus->unit[i].itl);
	}
	free(nexus); /* allowed: a nexus goes seldom */
}

void scsi_nexus_unsettled(struct scsi_nexus *nexus, int more)
{
	nexus->n_unsettled += (unsigned)more;
	if (more > 0 || !nexus->wants_settled)
		return;
	nexus->wants_settled = false;
	for (unsigned i = 0; i < nexus->n_units; i++)
		scsi_order_release(&nexus->unit[i]);
}

/* ---- looking in ---------------------------------------------------------- */

void scsi_nexus_attention(struct scsi_nexus *nexus, int condition)
{
	for (unsigned i = 0; i < nexus->n_units; i++)
		scsi_ua_raise(&nexus->unit[i], condition);
}

/* Numbers usually count from 0, so the unit stands at its number. */
struct scsi_unit *scsi_nexus_unit(struct scsi_nexus *nexus, const uint8_t lun[8])
{
	unsigned low = 0, high = nexus->n_units;
	uint16_t number;

	if (!scsi_luns_parse(lun, &number))
		return NULL;
	if (number < high && nexus->unit[number].number == number)
		return &nexus->unit[number];
	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (nexus->unit[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < nexus->n_units && nexus->unit[low].number == number ? &nexus->unit[low] : NULL;
}

struct scsi_unit *scsi_nexus_nth(struct scsi_nexus *nexus, unsigned i)
{
	return i < nexus->n_units ? &nexus->unit[i] : NULL;
}

struct gw_itl *scsi_unit_itl(const struct scsi_unit *unit)
{
	return unit->itl;
}

uint16_t scsi_unit_number(const struct scsi_unit *unit)
{
	return unit->number;
}

unsigned scsi_unit_tasks(const struct scsi_unit *unit)
{
	return unit->n_tasks;
}
