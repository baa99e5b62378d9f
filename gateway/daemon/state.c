/* SPDX-License-Identifier: BSD-3-Clause
 *
 * state.c - the folder of what must survive (state.h).
 */
#include "config.h"

#include "gateway/daemon/state.h"

#include <string.h>

#include "gateway/base/str.h"

static bool is_path(const char *text)
{
	return text && *text == '/';
}

bool state_folder(uint32_t uid, const struct state_env *env, char *buf, size_t len)
{
	struct str s = str_begin(buf, len);

	if (is_path(env->state_directory))
		str_add_n(&s, env->state_directory, strcspn(env->state_directory, ":"));
	else if (!uid)
		str_add(&s, "/var/lib/sluice");
	else if (is_path(env->xdg_state_home))
		str_addf(&s, "%s/sluice", env->xdg_state_home);
	else if (is_path(env->home))
		str_addf(&s, "%s/.local/state/sluice", env->home);
	else
		return false;
	return !s.cut;
}
