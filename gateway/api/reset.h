/* SPDX-License-Identifier: BSD-3-Clause
 *
 * reset.h - a nexus resets a logical unit: what the others are told.
 *
 * Every other I_T_L nexus of the volume gets GW_EVENT_RESET on its own loop; its
 * owner aborts its tasks and raises what its protocol has for that (SAM-5 6.3.3).
 * The asker aborts its own tasks by itself.  Protocols without resets ignore it:
 * nothing of theirs is lost.
 */
#ifndef GATEWAY_API_RESET_H
#define GATEWAY_API_RESET_H

struct gw_itl;

/* Home loop.  Two that follow each other closely may be told as one. */
void gw_itl_reset(struct gw_itl *itl);

#endif
