/* SPDX-License-Identifier: BSD-3-Clause
 *
 * builtins.h - the front ends and stores of builtins.tbl, into the registry.
 *
 * Knows their names, and includes none of their headers.
 */
#ifndef GATEWAY_DAEMON_BUILTINS_H
#define GATEWAY_DAEMON_BUILTINS_H

#include "gateway/base/err.h"

/* Main thread, once, before the words of the command line are read. */
int builtins_register(struct gw_err *err);

#endif
