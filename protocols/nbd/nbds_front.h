/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_front.h - the NBD front end: listeners, admission, drain, lists.
 *
 * Its ops are found by name through gateway/daemon/builtins.tbl; nobody includes
 * this header but its own file and its tests.  Bounds are per listener.
 */
#ifndef PROTOCOLS_NBD_NBDS_FRONT_H
#define PROTOCOLS_NBD_NBDS_FRONT_H

#include "gateway/api/frontend.h"

#define NBDS_FRONT_CONNS_MAX 1024u /* half-open ones included */
#define NBDS_FRONT_HALF_OPEN_MAX 128u /* the oldest makes room */
#define NBDS_FRONT_DOORS_MAX 64u

extern const struct gw_front_ops nbds_front_ops;

#endif
