/* SPDX-License-Identifier: BSD-3-Clause
 *
 * identity.c - a UUID, NAA and EUI-64 name from host, store, target and name.
 *
 * `serve` keeps no state, so the identity is derived: stable over restarts, and
 * another image has another one.  Two 64-bit FNV-1a sums over the words, mixed.
 */
#include "config.h"

#include "gateway/core/identity.h"

#include <stdio.h>
#include <string.h>

#include "gateway/base/bytes.h"

#define FNV_PRIME UINT64_C(0x100000001b3)

static uint64_t fnv(uint64_t sum, const char *word)
{
	do {
		sum = (sum ^ (uint8_t)*word) * FNV_PRIME; /* the final 0 too: it separates */
	} while (*word++);
	return sum;
}

static uint64_t mix(uint64_t x)
{
	x ^= x >> 31;
	x *= UINT64_C(0x7fb5d329728ea185);
	x ^= x >> 27;
	x *= UINT64_C(0x81dadef4bc2dd44d);
	return x ^ x >> 33;
}

/* The host last: where none is said nothing is added. */
static uint64_t sum_of(uint64_t seed, const char *host, const char *store, const char *target,
		       const char *name)
{
	uint64_t sum = fnv(fnv(fnv(seed, store), target), name);

	return mix(*host ? fnv(sum, host) : sum);
}

void gw_identity_make(const char *host, const char *store, const char *target, const char *name,
		      struct gw_identity *out)
{
	uint64_t a = sum_of(UINT64_C(0xcbf29ce484222325), host, store, target, name);
	uint64_t b = sum_of(UINT64_C(0x9ae16a3b2f90404f), host, store, target, name);

	be64_put(out->uuid, a);
	be64_put(out->uuid + 8, b);
	out->uuid[6] = (uint8_t)((out->uuid[6] & 0x0f) | 0x80); /* version 8: custom (RFC 9562) */
	out->uuid[8] = (uint8_t)((out->uuid[8] & 0x3f) | 0x80);
	out->naa = UINT64_C(3) << 60 | (a & UINT64_C(0x0fffffffffffffff));
	be64_put(out->eui64, b);
	for (unsigned i = 0; i < 16; i++)
		snprintf(out->serial + 2 * i, 3, "%02x", out->uuid[i]);
}
