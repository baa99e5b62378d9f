/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_ua.c - see scsi_ua.h.
 */
#include "config.h"

#include "translators/scsi/scsi_ua.h"

#include "gateway/base/check.h"

#define BIT(condition) (1u << (condition))

/* The ones that say "everything may have changed": what was raised before is
 * said by them, but for a more urgent one of their kind (SAM-5 5.14.2). */
static const uint32_t of_resets = BIT(SCSI_UA_RESET) | BIT(SCSI_UA_POWER_ON) |
				  BIT(SCSI_UA_BUS_RESET) | BIT(SCSI_UA_DEVICE_RESET);

static const int8_t of_event[GW_EVENT_COUNT] = {
	[GW_EVENT_RESIZED] = SCSI_UA_CAPACITY_CHANGED,
	[GW_EVENT_MODE_CHANGED] = SCSI_UA_MODE_CHANGED,
	[GW_EVENT_OFFLINE] = -1, /* commands say NOT READY by themselves */
	[GW_EVENT_ONLINE] = SCSI_UA_BECAME_READY,
	[GW_EVENT_RESERVATION_LOST] = SCSI_UA_RESERVATION_PREEMPTED,
	[GW_EVENT_REGISTRATION_LOST] = SCSI_UA_REGISTRATION_PREEMPTED,
	[GW_EVENT_RESET] = SCSI_UA_DEVICE_RESET,
	[GW_EVENT_GOING_AWAY] = SCSI_UA_LUNS_CHANGED, /* of the other units */
};

void scsi_ua_raise(struct scsi_unit *unit, int condition)
{
	GW_CHECK(condition >= 0 && condition < SCSI_UA_COUNT);
	if (of_resets & BIT(condition))
		unit->attentions &= of_resets | BIT(SCSI_UA_LUNS_CHANGED);
	unit->attentions |= BIT(condition);
}

int scsi_ua_first(const struct scsi_unit *unit)
{
	return unit->attentions ? __builtin_ctz(unit->attentions) : -1;
}

void scsi_ua_clear(struct scsi_unit *unit, int condition)
{
	unit->attentions &= ~BIT(condition);
}

int scsi_ua_of_event(enum gw_event_kind kind)
{
	return (unsigned)kind < GW_EVENT_COUNT ? of_event[kind] : -1;
}
