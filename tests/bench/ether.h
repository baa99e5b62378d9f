/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packet sockets for what speaks AoE here: frames, load_aoe.c, bare_aoe.c.  Needs
 * CAP_NET_RAW.  What goes wrong is told on stderr.
 */
#ifndef TESTS_BENCH_ETHER_H
#define TESTS_BENCH_ETHER_H

#include <stdbool.h>
#include <stdint.h>

#define ETHER_FRAME_MAX 9216u /* room for any frame at an MTU of 9000 */

struct ether_facts {
	uint8_t mac[6];
	unsigned mtu_bytes;
};

/* A socket for AoE's frames with room for a burst, on the interface if bound; or -1. */
int ether_socket(const char *interface, bool bound);
bool ether_bind(int sock, const char *interface);
/* Of the interface that a bound socket has. */
bool ether_ask(int sock, const char *interface, struct ether_facts *facts);

#endif
