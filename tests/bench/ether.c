/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packet sockets (ether.h).  One that is bound to a type does not hear what this
 * machine sends of it.
 */
#include "config.h"

#include "tests/bench/ether.h"

#include <errno.h>
#include <net/if.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "gateway/base/bytes.h"
#include "gateway/base/str.h"
#include "protocols/aoe/aoe.h"

static bool refuse(const char *interface)
{
	fprintf(stderr, "%s: frames: %s\n", interface, strerror(errno));
	return false;
}

bool ether_bind(int sock, const char *interface)
{
	struct sockaddr_ll name = { .sll_family = AF_PACKET,
				    .sll_ifindex = (int)if_nametoindex(interface) };

	be16_put(&name.sll_protocol, AOE_ETHERTYPE);
	if (!name.sll_ifindex || bind(sock, (struct sockaddr *)&name, sizeof(name)))
		return refuse(interface);
	return true;
}

int ether_socket(const char *interface, bool bound)
{
	int sock = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), room = 8 << 20;

	if (sock < 0) {
		refuse(interface);
		return -1;
	}
	setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	setsockopt(sock, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	setsockopt(sock, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room));
	if (!bound || ether_bind(sock, interface))
		return sock;
	close(sock);
	return -1;
}

bool ether_ask(int sock, const char *interface, struct ether_facts *facts)
{
	struct ifreq answer = { 0 };

	str_copy(answer.ifr_name, sizeof(answer.ifr_name), interface);
	if (ioctl(sock, SIOCGIFHWADDR, &answer))
		return refuse(interface);
	memcpy(facts->mac, answer.ifr_hwaddr.sa_data, sizeof(facts->mac));
	if (ioctl(sock, SIOCGIFMTU, &answer))
		return refuse(interface);
	facts->mtu_bytes = (unsigned)answer.ifr_mtu;
	return true;
}
