/* SPDX-License-Identifier: BSD-3-Clause
 *
 * state.h - where what must survive restarts is kept, if nobody says; pure.
 *
 * Who asks is main.c; what lies there is gateway/core/kept.c's business.
 */
#ifndef GATEWAY_DAEMON_STATE_H
#define GATEWAY_DAEMON_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What the environment says; any may be null or empty. */
struct state_env {
	const char *state_directory; /* systemd's; the first of those it names */
	const char *xdg_state_home, *home;
};

/* systemd's folder, /var/lib/sluice for root, else by the XDG rules.  False: there is
 * no such place, or it is too long. */
bool state_folder(uint32_t uid, const struct state_env *env, char *buf, size_t len);

#endif
