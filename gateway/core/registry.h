/* SPDX-License-Identifier: BSD-3-Clause
 *
 * registry.h - the known stores and front ends, by name.
 *
 * Filled at start by gateway/daemon/builtins.c (or by a test), then only read.
 */
#ifndef GATEWAY_CORE_REGISTRY_H
#define GATEWAY_CORE_REGISTRY_H

#include "gateway/api/frontend.h"
#include "gateway/api/store.h"

struct gw_err;

/* Main thread, before any loop runs.  Refuses a wrong ABI, a struct_size that is
 * too small, a missing member or a name twice: -EINVAL / -EEXIST. */
int gw_registry_add_store(const struct gw_store_ops *ops, struct gw_err *err);
int gw_registry_add_front(const struct gw_front_ops *ops, struct gw_err *err);
/* Null: unknown. */
const struct gw_store_ops *gw_registry_store(const char *name);
const struct gw_front_ops *gw_registry_front(const char *name);
/* The i-th, or null behind the last. */
const struct gw_store_ops *gw_registry_store_at(unsigned i);
const struct gw_front_ops *gw_registry_front_at(unsigned i);

#endif
