/* SPDX-License-Identifier: BSD-3-Clause
 *
 * registry.c - the known stores and front ends, by name (registry.h).  Two short
 * arrays, filled before any loop runs and only read afterwards.
 */
#include "config.h"

#include "gateway/core/registry.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "gateway/base/err.h"

#define REGISTRY_MAX 64

static const struct gw_store_ops *stores[REGISTRY_MAX];
static const struct gw_front_ops *fronts[REGISTRY_MAX];
static unsigned n_stores, n_fronts;

const struct gw_store_ops *gw_registry_store(const char *name)
{
	for (unsigned i = 0; i < n_stores; i++)
		if (strcmp(stores[i]->name, name) == 0)
			return stores[i];
	return NULL;
}

const struct gw_front_ops *gw_registry_front(const char *name)
{
	for (unsigned i = 0; i < n_fronts; i++)
		if (strcmp(fronts[i]->name, name) == 0)
			return fronts[i];
	return NULL;
}

const struct gw_store_ops *gw_registry_store_at(unsigned i)
{
	return i < n_stores ? stores[i] : NULL;
}

const struct gw_front_ops *gw_registry_front_at(unsigned i)
{
	return i < n_fronts ? fronts[i] : NULL;
}

/* What stores and front ends have in common. */
static int check(const char *kind, const char *name, uint32_t abi, uint32_t want_abi, uint32_t size,
		 size_t want_size, bool whole, struct gw_err *err)
{
	if (!name || !*name)
		return gw_err_set(err, EINVAL, "a %s without a name", kind);
	if (abi != want_abi)
		return gw_err_set(err, EINVAL, "%s %s: ABI %u, this gateway speaks %u", kind, name,
				  abi, want_abi);
	if (size < want_size)
		return gw_err_set(err, EINVAL, "%s %s: its ops have %u bytes, %zu are needed", kind,
				  name, size, want_size);
	if (!whole)
		return gw_err_set(err, EINVAL, "%s %s: a member that must be there is absent", kind,
				  name);
	return 0;
}

/* What came later is asked for where it is used (store_call.c). */
#define STORE_OPS_FIRST offsetof(struct gw_store_ops, lend)

int gw_registry_add_store(const struct gw_store_ops *ops, struct gw_err *err)
{
	int rc = check(
		"store", ops->name, ops->abi, GW_STORE_ABI, ops->struct_size, STORE_OPS_FIRST,
		ops->open && ops->close && ops->submit && !ops->lane_open == !ops->lane_close, err);

	if (rc)
		return rc;
	if (gw_registry_store(ops->name))
		return gw_err_set(err, EEXIST, "two stores are named %s", ops->name);
	if (n_stores == REGISTRY_MAX)
		return gw_err_set(err, ENOSPC, "no room for store %s", ops->name);
	stores[n_stores++] = ops;
	return 0;
}

int gw_registry_add_front(const struct gw_front_ops *ops, struct gw_err *err)
{
	int rc = check("front end", ops->name, ops->abi, GW_FRONT_ABI, ops->struct_size,
		       sizeof(*ops),
		       ops->create && ops->start && ops->drain && ops->destroy && ops->exports &&
			       ops->list,
		       err);

	if (rc)
		return rc;
	if (gw_registry_front(ops->name))
		return gw_err_set(err, EEXIST, "two front ends are named %s", ops->name);
	if (n_fronts == REGISTRY_MAX)
		return gw_err_set(err, ENOSPC, "no room for front end %s", ops->name);
	fronts[n_fronts++] = ops;
	return 0;
}
