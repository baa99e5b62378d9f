/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_names.h - which target stands for which volume, and by which portals it is
 * reached.
 *
 * One target per volume, LUN 0: ISCSI_NAMES_PREFIX and the volume's name, or the
 * name that the administrator gave.  Above: login and SendTargets.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_NAMES_H
#define PROTOCOLS_ISCSI_ISCSI_NAMES_H

#include "protocols/iscsi/iscsi_state.h"

#define ISCSI_NAMES_PREFIX "iqn.2026-11.org.sluice:"
#define ISCSI_NAMES_GROUP 1u /* the target portal group tag: all portals are in it */

/* Set before anybody logs in; never changes. */
struct iscsi_names {
	char only[ISCSI_NAME_MAX + 1]; /* --target-name; "" */
	const struct iscsi_portal *portals;
	unsigned n_portals;
};

/* 0, or -errno and a sentence. */
int iscsi_names_set(struct iscsi_names *names, const char *name, struct gw_err *err);
/* The target of this volume; false: its name would be too long. */
bool iscsi_names_of(const struct iscsi_names *names, const struct gw_volume *volume,
		    char out[ISCSI_NAME_MAX + 1]);
/* Loop 0.  The volume behind a target, held; its name as it stands from now on.
 * False: none, or not for this peer. */
bool iscsi_names_find(const struct iscsi_names *names, struct gw *gw, const struct gw_who *who,
		      struct iscsi_slice target, struct gw_grant *grant,
		      char out[ISCSI_NAME_MAX + 1]);
/* What SendTargets says of one target (RFC 7143 appendix C); false: no room. */
bool iscsi_names_put(const struct iscsi_names *names, const char *target,
		     struct iscsi_text_out *out);
/* What it says of all that this peer may use.  Loop 0. */
bool iscsi_names_put_all(const struct iscsi_names *names, struct gw *gw, const struct gw_who *who,
			 struct iscsi_text_out *out);

#endif
