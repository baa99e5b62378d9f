/* SPDX-License-Identifier: BSD-3-Clause
 *
 * front.h - a front end with two options, so that the tests of the command line
 * depend on no protocol.
 */
#ifndef TESTS_UNIT_GATEWAY_DAEMON_FRONT_H
#define TESTS_UNIT_GATEWAY_DAEMON_FRONT_H

#include "gateway/api/frontend.h"
#include "gateway/core/registry.h"

static inline int front_create(struct gw *gw, const struct gw_setting *settings, unsigned n,
			       struct gw_front **out, struct gw_err *err)
{
	return -1;
}

static inline void front_start(struct gw_front *front)
{
}

static inline void front_drain(struct gw_front *front, struct instant deadline,
			       void (*done)(void *arg), void *arg)
{
}

static inline void front_destroy(struct gw_front **front)
{
}

static inline void front_exports(struct gw_front *front, struct gw_volume *volume,
				 struct gw_out *out)
{
}

static inline void front_list(struct gw_front *front, struct loop *loop, struct gw_out *out)
{
}

static const struct gw_option front_options[] = {
	{ "fake", "ADDR", "listen here", true },
	{ "fake-quick", NULL, "be quick", false },
};

static const struct gw_setting front_defaults[] = { { "fake", "here" } };

static const struct gw_front_ops front_ops = {
	.struct_size = sizeof(front_ops),
	.abi = GW_FRONT_ABI,
	.name = "fake",
	.help = "a protocol that nobody speaks",
	.options = front_options,
	.n_options = 2,
	.defaults = front_defaults,
	.n_defaults = 1,
	.create = front_create,
	.start = front_start,
	.drain = front_drain,
	.destroy = front_destroy,
	.exports = front_exports,
	.list = front_list,
};

#endif
