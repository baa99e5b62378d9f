/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_names.c - names of targets.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_names.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "gateway/api/volume.h"

static char lower(uint8_t c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Of our own names more is asked than of those of others: an iqn has a month and a
 * domain (4.2.7.5). */
static bool has_domain(const char *name)
{
	static const char form[] = "iqn.0000-00.";

	if (lower((uint8_t)name[0]) != 'i')
		return true; /* eui, naa */
	for (size_t i = 0; form[i]; i++) {
		bool digit = name[i] >= '0' && name[i] <= '9';

		if (form[i] == '0' ? !digit : lower((uint8_t)name[i]) != form[i])
			return false;
	}
	return name[sizeof(form) - 1] && name[sizeof(form) - 1] != ':';
}

int iscsi_names_set(struct iscsi_names *names, const char *name, struct gw_err *err)
{
	struct iscsi_slice slice = { (const uint8_t *)name, (uint32_t)strlen(name) };

	if (!iscsi_text_is_name(slice) || !has_domain(name))
		return gw_err_set(err, EINVAL,
				  "'%s' is no iSCSI name: iqn.YYYY-MM.REVERSED.DOMAIN[:WORDS], "
				  "eui.16 digits or naa.16 or 32 digits",
				  name);
	for (uint32_t i = 0; i <= slice.len; i++)
		names->only[i] = lower((uint8_t)name[i]);
	return 0;
}

bool iscsi_names_of(const struct iscsi_names *names, const struct gw_volume *volume,
		    char out[ISCSI_NAME_MAX + 1])
{
	int n = names->only[0] ? snprintf(out, ISCSI_NAME_MAX + 1, "%s", names->only)
			       : snprintf(out, ISCSI_NAME_MAX + 1, "%s%s", ISCSI_NAMES_PREFIX,
					  gw_volume_name(volume));

	return n <= (int)ISCSI_NAME_MAX;
}

bool iscsi_names_find(const struct iscsi_names *names, struct gw *gw, const struct gw_who *who,
		      struct iscsi_slice target, struct gw_grant *grant,
		      char out[ISCSI_NAME_MAX + 1])
{
	const size_t prefix = sizeof(ISCSI_NAMES_PREFIX) - 1;

	if (target.len > ISCSI_NAME_MAX)
		return false;
	for (uint32_t i = 0; i < target.len; i++)
		out[i] = lower(target.at[i]);
	out[target.len] = 0;
	if (names->only[0])
		return !strcmp(out, names->only) && gw_access_find(gw, who, "", grant);
	return target.len > prefix && !strncmp(out, ISCSI_NAMES_PREFIX, prefix) &&
	       gw_access_find(gw, who, out + prefix, grant);
}

/* The address of a wildcard is the one by which this connection came: that is said by
 * naming none. */
static bool any_is_wild(const struct iscsi_names *names)
{
	for (unsigned i = 0; i < names->n_portals; i++)
		if (names->portals[i].wild)
			return true;
	return false;
}

bool iscsi_names_put(const struct iscsi_names *names, const char *target,
		     struct iscsi_text_out *out)
{
	char address[LOOP_ADDR_TEXT + 8];

	if (!iscsi_text_put(out, "TargetName", target))
		return false;
	if (any_is_wild(names))
		return true;
	for (unsigned i = 0; i < names->n_portals; i++) {
		const struct iscsi_portal *portal = &names->portals[i];

		snprintf(address, sizeof(address), "%s,%u", portal->door.text, ISCSI_NAMES_GROUP);
		if (!iscsi_text_put(out, "TargetAddress", address))
			return false;
	}
	return true;
}

struct all {
	const struct iscsi_names *names;
	struct iscsi_text_out *out;
	bool fits;
};

static void put_one(void *arg, const struct gw_grant *grant)
{
	struct all *all = arg;
	char target[ISCSI_NAME_MAX + 1];

	if (iscsi_names_of(all->names, grant->volume, target))
		all->fits &= iscsi_names_put(all->names, target, all->out);
}

bool iscsi_names_put_all(const struct iscsi_names *names, struct gw *gw, const struct gw_who *who,
			 struct iscsi_text_out *out)
{
	struct all all = { names, out, true };

	gw_access_each(gw, who, put_one, &all);
	return all.fits;
}
