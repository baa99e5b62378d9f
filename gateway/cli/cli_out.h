/* SPDX-License-Identifier: BSD-3-Clause
 *
 * cli_out.h - what an output format must be able to print.
 *
 * Two fulfil it: cli_out_text for people, cli_out_json for programs.
 */
#ifndef GATEWAY_CLI_CLI_OUT_H
#define GATEWAY_CLI_CLI_OUT_H

#include <stdio.h>

#include "gateway/ctl/ctl_msg.h"

struct cli_out_ops {
	/* The result of a verb. */
	void (*reply)(FILE *to, const char *verb, const json_t *result);
	/* Several daemons answer: an array of objects, each what the verb `version`
	 * gave, and "control", the path of its socket. */
	void (*choice)(FILE *to, const json_t *daemons);
};

extern const struct cli_out_ops cli_out_text;
extern const struct cli_out_ops cli_out_json;

#endif
