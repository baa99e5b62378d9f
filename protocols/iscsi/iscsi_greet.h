/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_greet.h - a half-open connection: runs the login.
 *
 * It feeds the pure machine of iscsi_login.h with what the stream brings and acts on
 * what that says.  It lives on loop 0 and receives exactly what it needs.
 *
 *   loop 0:  ... login PDUs ... DONE ──▶ (wait for the session in whose place it comes)
 *                                    └─ mail ─┐           ┌─▶ over ─▶ freed
 *   home:                                     ▼           │
 *      session opens, or it joins one ─▶ ready ─▶ last response ─▶ full feature phase
 *                       └───▶ refused ─▶ last response ─▶ closed
 *
 * It joins a session that lives where it comes in the place of that one's connection.
 *
 * Above: iscsi_front.c.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_GREET_H
#define PROTOCOLS_ISCSI_ISCSI_GREET_H

#include "gateway/loop/loop_door.h"

#define ISCSI_GREET_DEADLINE_S 15

/* The owner of the door is a struct iscsi_portal. */
extern const struct loop_door_ops iscsi_greet_ops;

#endif
