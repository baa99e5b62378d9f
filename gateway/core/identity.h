/* SPDX-License-Identifier: BSD-3-Clause
 *
 * identity.h - the names by which initiators know a volume again.  Pure; used by
 * volume_life.c when a volume is made.
 */
#ifndef GATEWAY_CORE_IDENTITY_H
#define GATEWAY_CORE_IDENTITY_H

#include "gateway/api/volume.h"

/* From the host, what stands behind the volume and its name: the same words give the
 * same identity at every start, others another one. */
void gw_identity_make(const char *host, const char *store, const char *target, const char *name,
		      struct gw_identity *out);

#endif
