/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_ua.h - the unit attentions of a logical unit for one I_T nexus
 * (SAM-5 5.14): a set of conditions, told one at a time, the most urgent first.
 */
#ifndef TRANSLATORS_SCSI_SCSI_UA_H
#define TRANSLATORS_SCSI_SCSI_UA_H

#include "gateway/api/event.h"
#include "translators/scsi/scsi_lu.h"

/* Beside those that wait already; a reset or power on clears what it implies. */
void scsi_ua_raise(struct scsi_unit *unit, int condition);
/* The most urgent, or -1. */
int scsi_ua_first(const struct scsi_unit *unit);
void scsi_ua_clear(struct scsi_unit *unit, int condition);
/* What an event of the volume means, or -1: nothing. */
int scsi_ua_of_event(enum gw_event_kind kind);

#endif
