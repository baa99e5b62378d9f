/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_pool.h - the ordinary memory of tasks and outgoing PDUs: sheets that grow
 * with what is in flight and go with their home.
 *
 * How many may be in flight is bounded by the command windows and the credits of
 * the sessions, so this needs no bound of its own.  Home loop.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_POOL_H
#define PROTOCOLS_ISCSI_ISCSI_POOL_H

#include "protocols/iscsi/iscsi_state.h"

/* Null: no memory.  The upper part is empty, data and queues are. */
struct iscsi_task *iscsi_pool_task(struct iscsi_home *home);
void iscsi_pool_task_put(struct iscsi_home *home, struct iscsi_task *task);
/* Null: no memory.  Empty but for what the caller fills. */
struct iscsi_out *iscsi_pool_out(struct iscsi_home *home);
/* With its data. */
void iscsi_pool_out_put(struct iscsi_home *home, struct iscsi_out *out);
/* All of them are back. */
void iscsi_pool_free(struct iscsi_home *home);

#endif
