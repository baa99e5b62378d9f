/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_io.h - the requests of a task: taken, submitted, gathered when they end.
 *
 * A handler sets three functions: pump() gives the core what it can take now and
 * is called whenever there is reason to go on; arrived() looks at each request
 * that ended; and pump() ends the task when all is done.  When something failed,
 * nothing more is given, and the task ends with what it noted.
 */
#ifndef TRANSLATORS_SCSI_SCSI_IO_H
#define TRANSLATORS_SCSI_SCSI_IO_H

#include "translators/scsi/scsi_lu.h"

/* Null: none now; pump() is called when there is one. */
struct gw_req *scsi_io_take(struct scsi_task *task);
/* op, offset, length, flags and data are filled; at: bytes into the transfer. */
void scsi_io_submit(struct scsi_task *task, struct gw_req *req, uint64_t at);
/* Bytes into the transfer, as given to scsi_io_submit(). */
uint64_t scsi_io_at(const struct gw_req *req);
/* A handler's own number in a request (4 slots: 0 and 1 are the list's, 2 is at). */
#define SCSI_IO_SLOT 3
/* One request for the whole command, and GOOD when it has ended well. */
void scsi_io_only(struct scsi_task *task, enum gw_op op, uint32_t flags, uint64_t offset,
		  uint64_t length);
/* Goes on: ends the task when it failed and all came back, else pump(). */
void scsi_io_settle(struct scsi_task *task);
/* The piece behind those in use; empty, or as it was left. */
struct scsi_piece *scsi_io_piece(struct scsi_task *task);
/* Memory from the transport for data-in or a pattern; 0: pump() comes again. */
uint32_t scsi_io_memory(struct scsi_task *task, uint32_t bytes, uint32_t min_bytes,
			struct gw_mem *mem);

/* Gives back a list by slot.ptr[0] of ended requests; after it the caller looks at
 * no task any more, since others may have gone on. */
void scsi_io_put(struct gw_req *list);

/* An end is wanted of all that is at the core. */
void scsi_io_abort(struct scsi_task *task);
/* All that is at the core becomes an orphan. */
void scsi_io_orphan(struct scsi_task *task);

#endif
