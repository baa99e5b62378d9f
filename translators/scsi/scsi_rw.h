/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_rw.h - the READ, WRITE, VERIFY and WRITE AND VERIFY families: any length,
 * in pieces.  Its handlers are in scsi_handlers.h.
 *
 *   READ    memory ─▶ request ─▶ piece[] until its turn ─▶ send
 *   WRITE   data   ─▶ request            (piece[] while there is none)
 *   WRITE AND VERIFY: the write's request comes again as a comparison
 */
#ifndef TRANSLATORS_SCSI_SCSI_RW_H
#define TRANSLATORS_SCSI_SCSI_RW_H

/* SBC-3: DPO is a hint, FUA asks for the medium.  Bits of byte 1 of the CDB. */
#define SCSI_RW_FUA 0x08u

#endif
