/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_name.c - names of AoE disks.
 */
#include "config.h"

#include "protocols/aoe/aoe_name.h"

#include <errno.h>
#include <string.h>

#include "gateway/base/str.h"

static bool number(const char *text, size_t len, uint64_t below, uint64_t *out)
{
	char digits[8];
	struct str s = STR_IN(digits);

	str_add_n(&s, text, len);
	return !s.cut && !str_parse_u64(digits, out) && *out < below;
}

int aoe_name_parse(const char *text, struct aoe_name *out, struct gw_err *err)
{
	const char *colon = strrchr(text, ':');
	const char *dot = colon ? strchr(colon, '.') : NULL;
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	uint64_t shelf = 0, slot = 0;
	struct aoe_name name = { .shelf = 0 };

	if (!len || len >= sizeof(name.ifname))
		return gw_err_set(err, EINVAL, "--aoe: '%s' does not begin with an interface",
				  text);
	if (colon &&
	    (!dot || !number(colon + 1, (size_t)(dot - colon - 1), AOE_SHELF_ALL, &shelf) ||
	     !number(dot + 1, strlen(dot + 1), AOE_SLOT_ALL, &slot)))
		return gw_err_set(err, EINVAL,
				  "--aoe: '%s' is no shelf from 0 to %u and slot from 0 to %u, as "
				  "in eth0:7.1",
				  colon + 1, AOE_SHELF_ALL - 1, AOE_SLOT_ALL - 1);
	memcpy(name.ifname, text, len);
	name.shelf = (uint16_t)shelf;
	name.slot = (uint8_t)slot;
	*out = name;
	return 0;
}

bool aoe_name_number(const struct aoe_name *name, unsigned n, uint16_t *shelf, uint8_t *slot)
{
	if (n >= AOE_SLOT_ALL - name->slot)
		return false;
	*shelf = name->shelf;
	*slot = (uint8_t)(name->slot + n);
	return true;
}
