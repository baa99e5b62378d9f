/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_handlers.h - the handlers that scsi_cmds.tbl names, each in the file of its
 * subject.  The dispatcher has made all checks of the row; a handler checks what
 * the row cannot say, acts, and sees to it that the task ends.
 */
#ifndef TRANSLATORS_SCSI_SCSI_HANDLERS_H
#define TRANSLATORS_SCSI_SCSI_HANDLERS_H

struct scsi_task;

typedef void scsi_handler(struct scsi_task *task);

/* scsi_rw.c */
scsi_handler scsi_do_read, scsi_do_write, scsi_do_write_verify, scsi_do_verify;
/* scsi_same.c */
scsi_handler scsi_do_write_same;
/* scsi_caw.c */
scsi_handler scsi_do_caw;
/* scsi_thin.c */
scsi_handler scsi_do_unmap, scsi_do_lba_status;
/* scsi_cap.c */
scsi_handler scsi_do_test, scsi_do_capacity_10, scsi_do_capacity_16, scsi_do_start_stop;
scsi_handler scsi_do_sync, scsi_do_prefetch;
/* scsi_inquiry.c, scsi_luns.c, scsi_mode.c, scsi_request_sense.c, scsi_opcodes.c */
scsi_handler scsi_do_inquiry, scsi_do_luns, scsi_do_mode_sense, scsi_do_mode_select;
scsi_handler scsi_do_request_sense, scsi_do_opcodes, scsi_do_tmfs;

#endif
