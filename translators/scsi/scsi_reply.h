/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_reply.h - commands that answer with parameter data of a page at most.
 * Above: handlers, which say what is in it (scsi_data.h).
 */
#ifndef TRANSLATORS_SCSI_SCSI_REPLY_H
#define TRANSLATORS_SCSI_SCSI_REPLY_H

#include "translators/scsi/scsi_data.h"
#include "translators/scsi/scsi_lu.h"

#define SCSI_REPLY_MAX_BYTES 4096u

/* Takes memory (waits if need be), lets build() fill it, sends what both the
 * allocation length and the initiator allow, and ends with GOOD.  build() may be
 * called once, decides nothing, and makes at most SCSI_REPLY_MAX_BYTES. */
void scsi_reply(struct scsi_task *task, uint64_t allocation_bytes,
		void (*build)(struct scsi_task *task, struct scsi_data *out));
/* Sends what lies in mem and ends with GOOD; whole: what an unlimited allocation
 * length would have got. */
void scsi_reply_send(struct scsi_task *task, struct gw_mem *mem, uint64_t whole,
		     uint64_t allocation_bytes);

#endif
