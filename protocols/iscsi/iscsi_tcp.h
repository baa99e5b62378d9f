/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_tcp.h - PDUs out of a byte stream: the TCP side of a connection.
 *
 *   inbox:  what is parsed next (gateway/api/inbox.h)
 *   sink:   memory of the task whose data comes; what is not in the inbox yet is
 *           received straight into it
 *
 * Below: iscsi_rx.h, iscsi_ffp.h, loop_stream.h.  Above: iscsi_conn.c.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_TCP_H
#define PROTOCOLS_ISCSI_ISCSI_TCP_H

#include "protocols/iscsi/iscsi_state.h"

void iscsi_tcp_init(struct iscsi_conn *conn);
/* Takes what is there, until something is missing or the connection is doomed. */
void iscsi_tcp_run(struct iscsi_conn *conn);
/* Bytes came. */
void iscsi_tcp_received(struct iscsi_conn *conn, uint32_t bytes);
/* Receives on, unless that is under way or there is no memory. */
void iscsi_tcp_arm(struct iscsi_conn *conn);
/* Nothing is armed: gives back all memory. */
void iscsi_tcp_drop(struct iscsi_conn *conn);

#endif
