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

/* A grant that is held keeps its volume from going away; a removal waits.  So who
 * finds a volume on loop 0 can mail the grant to another loop and join there:
 *
 *   loop 0:  gw_access_find() ──mail──▶ home:  gw_itl_open(), gw_grant_release()
 *
 * Hold it no longer than that: the I_T_L nexus holds the volume by itself. */
struct gw_grant {
	struct gw_volume *volume; /* null: nothing is held */
	bool read_only;
	uint32_t lun; /* position in the export list, stable while the volume lives */
};

/* Loop 0 (where handshakes run).  Finds a volume by name for this peer; the
 * empty name finds the only volume, where there is exactly one.  True: out is
 * held.  False: there is none, or not for this peer (the two must look alike from
 * outside), and nothing is held. */
bool gw_access_find(struct gw *gw, const struct gw_who *who, const char *name,
		    struct gw_grant *out);
/* Loop 0.  Calls each() for every volume that this peer may use, in order of LUN.
 * The grant is lent for the call; who wants it longer copies it with
 * gw_grant_hold(). */
void gw_access_each(struct gw *gw, const struct gw_who *who,
		    void (*each)(void *arg, const struct gw_grant *grant), void *arg);
/* Loop 0, from inside each(): a grant of one's own. */
struct gw_grant gw_grant_hold(const struct gw_grant *lent);
/* Any loop.  Empties it; an empty one may be released. */
void gw_grant_release(struct gw_grant *grant);

#endif
