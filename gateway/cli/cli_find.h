/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_find.h - which daemons run here: the control sockets of this user.
 *
 * Asks them nothing; that is cli_call.h.
 */
#ifndef GATEWAY_CLI_CLI_FIND_H
#define GATEWAY_CLI_CLI_FIND_H

#include "gateway/ctl/ctl_msg.h"

#define CLI_FIND_MAX 256

struct cli_daemon {
	uint32_t pid;
	char path[CTL_PATH_MAX];
};

/* Knocks at every serve-PID.sock in this user's folders and fills at most `most`
 * daemons, in the order of their pids.  What nobody answers, and whose process
 * is gone, is removed. */
unsigned cli_find_daemons(struct cli_daemon *out, unsigned most);
/* The folders, for a sentence: "/run/sluice, /tmp/sluice-0". */
void cli_find_folders(struct str *s);

#endif
