/* SPDX-License-Identifier: BSD-3-Clause
 *
 * ctl_path.c - names of control sockets (ctl_path.h).
 */
#include "config.h"

#include "gateway/ctl/ctl_path.h"

#include <string.h>

#include "gateway/base/str.h"

#define PREFIX "serve-"
#define SUFFIX ".sock"

bool ctl_path_folder(unsigned i, uint32_t uid, const char *xdg_runtime_dir, char *buf, size_t len)
{
	bool has_xdg = uid && xdg_runtime_dir && *xdg_runtime_dir == '/';
	struct str s = str_begin(buf, len);

	if (i == 0 && uid == 0)
		str_add(&s, "/run/sluice");
	else if (i == 0 && has_xdg)
		str_addf(&s, "%s/sluice", xdg_runtime_dir);
	else if (i == (uid == 0 || has_xdg ? 1u : 0u))
		str_addf(&s, "/tmp/sluice-%u", uid);
	else
		return false;
	/* One too long for a socket is skipped by those who make its path. */
	return true;
}

bool ctl_path_socket(const char *folder, uint32_t pid, char *buf, size_t len)
{
	struct str s = str_begin(buf, len);

	str_addf(&s, "%s/" PREFIX "%u" SUFFIX, folder, pid);
	return !s.cut;
}

bool ctl_path_is_socket(const char *name, uint32_t *pid)
{
	char digits[16];
	struct str s = STR_IN(digits);
	const char *end = strstr(name, SUFFIX);
	uint64_t value;

	if (!str_starts(name, PREFIX) || !end || end[strlen(SUFFIX)] || end < name + strlen(PREFIX))
		return false;
	str_add_n(&s, name + strlen(PREFIX), (size_t)(end - name) - strlen(PREFIX));
	if (s.cut || str_parse_u64(digits, &value) || value > UINT32_MAX)
		return false;
	*pid = (uint32_t)value;
	return true;
}
