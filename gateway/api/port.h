/* SPDX-License-Identifier: BSD-3-Clause
 *
 * port.h - a target port: where a protocol can be reached, by its stable name.
 *
 * The map from logical unit number to volume is asked through access.h, since it
 * depends on who asks.
 */
#ifndef GATEWAY_API_PORT_H
#define GATEWAY_API_PORT_H

#include <stdint.h>

#include "gateway/api/nexus.h"

struct gw_port {
	char name[GW_PORT_NAME_MAX]; /* "nbd:127.0.0.1:10809", an IQN with its tag, a WWN */
	uint16_t relative_id; /* SPC-4 relative target port identifier, from 1 */
};

#endif
