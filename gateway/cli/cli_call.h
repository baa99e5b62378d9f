/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_call.h - ask a daemon one thing and wait for its answer.
 *
 * Plain blocking sockets, each step of which ends within CLI_WAIT_S.
 */
#ifndef GATEWAY_CLI_CLI_CALL_H
#define GATEWAY_CLI_CLI_CALL_H

#include "gateway/ctl/ctl_msg.h"

#define CLI_WAIT_S 30

/* 0 or -errno. */
int cli_call_connect(const char *path, int *sock);
/* The result of the verb (a reference of the caller's), or a sentence. */
int cli_call(const char *path, const char *verb, json_t *params, json_t **result,
	     struct gw_err *err);

#endif
