/* SPDX-License-Identifier: BSD-3-Clause
 *
 * builtins.c - registers every row of builtins.tbl (builtins.h).
 */
#include "config.h"

#include "gateway/daemon/builtins.h"

#include "gateway/core/registry.h"

#define ROW(kind, symbol) extern const struct gw_##kind##_ops symbol;
#include "gateway/daemon/builtins.tbl"
#undef ROW

int builtins_register(struct gw_err *err)
{
	int rc = 0;

#define ROW(kind, symbol) rc = rc ? rc : gw_registry_add_##kind(&symbol, err);
#include "gateway/daemon/builtins.tbl"
#undef ROW
	return rc;
}
