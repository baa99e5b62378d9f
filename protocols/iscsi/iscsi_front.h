/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_front.h - the iSCSI front end: portals, homes, lists (gateway/api/frontend.h).
 *
 *   gw_front ──▶ iscsi_portal[] ──▶ loop_door ──▶ iscsi_greet (login)
 *       │                                             │
 *       ├──▶ iscsi_reg (loop 0) ──────────────────────┤
 *       └──▶ iscsi_home[loop] ──▶ iscsi_sess ◀────────┘
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_FRONT_H
#define PROTOCOLS_ISCSI_ISCSI_FRONT_H

#include "gateway/api/frontend.h"

#define ISCSI_FRONT_PORTALS_MAX 16u
#define ISCSI_FRONT_CONNS_MAX 1024u /* of one portal */
#define ISCSI_FRONT_HALF_OPEN_MAX 128u

extern const struct gw_front_ops iscsi_front_ops;

#endif
