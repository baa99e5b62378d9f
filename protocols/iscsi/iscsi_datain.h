/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_datain.h - data of a read as SCSI Data-In PDUs (RFC 7143 11.7), and status
 * in the last of them where it is GOOD.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_DATAIN_H
#define PROTOCOLS_ISCSI_ISCSI_DATAIN_H

#include "protocols/iscsi/iscsi_state.h"

/* The next bytes of data-in; empties mem. */
void iscsi_datain_send(struct iscsi_task *task, struct gw_mem *mem);
/* Puts the status into the last Data-In; false: there is none to put it into. */
bool iscsi_datain_status(struct iscsi_task *task, uint8_t status, uint8_t residual_flag,
			 uint32_t residual);

#endif
