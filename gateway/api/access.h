/* SPDX-License-Identifier: BSD-3-Clause
 *
 * access.h - who may do what: may X log in here, which volumes does it see.
 *
 * A front end finds volumes through this door only, so that an access rule can
 * never be forgotten.  Under `serve` everybody who reaches the listener may use
 * every volume; the rules of the configuration file follow.
 */
#ifndef GATEWAY_API_ACCESS_H
#define GATEWAY_API_ACCESS_H

#include <stdbool.h>
#include <stdint.h>

struct gw;
struct gw_volume;
struct loop_peer;

struct gw_who {
	const char *protocol;
	const char *initiator; /* its name where the protocol has one, or null */
	const struct loop_peer *peer;
};

struct gw_grant {
	struct gw_volume *volume;
	bool read_only;
	uint32_t lun; /* position in the export list, stable while the volume lives */
};

/* Loop 0 (where handshakes run).  Finds a volume by name for this peer; the
 * empty name finds the only volume, where there is exactly one.  False: there is
 * none, or not for this peer (the two must look alike from outside). */
bool gw_access_find(struct gw *gw, const struct gw_who *who, const char *name,
		    struct gw_grant *out);
/* Calls each() for every volume that this peer may use, in order of LUN. */
void gw_access_each(struct gw *gw, const struct gw_who *who,
		    void (*each)(void *arg, const struct gw_grant *grant), void *arg);

#endif
