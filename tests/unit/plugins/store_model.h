/* SPDX-License-Identifier: BSD-3-Clause
 *
 * store_model.h - random requests by a seed, at every alignment that a store
 * allows, compared with an array of bytes that has seen the same requests.
 */
#ifndef TESTS_UNIT_PLUGINS_STORE_MODEL_H
#define TESTS_UNIT_PLUGINS_STORE_MODEL_H

#include "tests/unit/plugins/store_rig.h"

struct model_case {
	const char *name;
	uint64_t seed;
	unsigned steps;
	uint64_t from, length; /* which part of the store; all whole units of 64 KiB */
	bool forgets; /* the null store */
};

/* The part must read zero at the beginning.  Fails the running test. */
void model_run(struct rig *rig, const struct model_case *what);

#endif
