/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_talk.h - Text Requests in full feature phase (RFC 7143 11.10): SendTargets and
 * what may be negotiated anew, over as many PDUs as either side needs.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_TALK_H
#define PROTOCOLS_ISCSI_ISCSI_TALK_H

#include "protocols/iscsi/iscsi_state.h"

/* A Text Request that is in turn; the task ends with it. */
void iscsi_talk_start(struct iscsi_task *task);
/* The connection ends. */
void iscsi_talk_free(struct iscsi_conn *conn);

#endif
