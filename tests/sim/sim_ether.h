/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_ether.h - a simulated Ethernet: one segment, the interfaces of the
 * daemon's machine on it, and stations outside.
 *
 *   station ──┐                        Who sends puts a frame on the wire; it
 *   station ──┼── segment ── iface     arrives at all others whose address it
 *   station ──┘        └─── iface      bears, or at all, after the seed had its
 *                                      say: late, twice, out of order, never.
 *
 * Bytes are never spoilt: Ethernet has a checksum.  Nothing is drawn from the
 * seed before the first interface is there, so worlds without one stay as they
 * are.  The daemon's end is sim_link.h's.
 */
#ifndef TESTS_SIM_SIM_ETHER_H
#define TESTS_SIM_SIM_ETHER_H

#include <sys/queue.h>

#include "gateway/loop/drv_link.h"
#include "tests/sim/sim_world.h"

#define SIM_LINKS 16 /* open at once */

struct sim_flight;
struct sim_iface;
struct sim_link;

/* Of 1,000 frames; 0 where nothing else is said. */
struct sim_ether_faults {
	unsigned lost, twice, late;
};

struct sim_station {
	struct sim_ether *ether;
	uint8_t mac[6];
	void (*frame)(void *arg, const uint8_t *frame, size_t len);
	void *arg;
	uint64_t line_ns; /* when its line is free again */
	struct sim_station *next;
};

/* An interface of the daemon's machine. */
struct sim_iface {
	struct sim_ether *ether;
	char name[DRV_LINK_NAME];
	struct drv_link_facts facts; /* index 0: it is not there */
	unsigned tx_room, tx_waiting; /* frames in its queue */
	uint64_t line_ns; /* when its line is free again */
	struct sim_iface *next;
};

/* What the segment tells the daemon's end (sim_link.c). */
struct sim_ether_daemon {
	void (*came)(struct sim_iface *iface, const uint8_t *frame, size_t len);
	void (*news)(struct sim_iface *iface); /* its facts have changed */
};

struct sim_ether {
	struct drv_links links; /* sim_link.c's */
	struct sim_link *link[SIM_LINKS]; /* sim_link.c's */
	unsigned n_links; /* sim_link.c's */
	struct sim_world *world;
	const struct sim_ether_daemon *daemon;
	struct sim_iface *ifaces;
	struct sim_station *stations;
	LIST_HEAD(, sim_flight) flights;
	struct sim_ether_faults faults;
	uint32_t last_index;
	uint64_t latency_ns, ns_per_kib;
};

struct sim_ether *sim_ether_new(struct sim_world *world, const struct sim_ether_daemon *daemon);
void sim_ether_free(struct sim_ether **ether);

/* An interface that is up.  It lives as long as the segment. */
struct sim_iface *sim_ether_iface(struct sim_ether *ether, const char *name, const uint8_t mac[6],
				  uint32_t mtu_bytes);
struct sim_iface *sim_ether_find(const struct sim_ether *ether, const char *name);
/* A station outside; frame() hears what comes for it. */
struct sim_station *sim_ether_join(struct sim_ether *ether, const uint8_t mac[6],
				   void (*frame)(void *arg, const uint8_t *frame, size_t len),
				   void *arg);
void sim_ether_station_send(struct sim_station *station, const void *frame, size_t len);
/* When all that it has sent by now has arrived, whatever held it up. */
uint64_t sim_ether_landed_ns(const struct sim_station *station);
/* All frames that are under way are gone. */
void sim_ether_hush(struct sim_ether *ether);

/* What becomes of an interface; the daemon hears of it. */
void sim_ether_set_up(struct sim_iface *iface, bool up);
void sim_ether_remove(struct sim_iface *iface);
void sim_ether_restore(struct sim_iface *iface, const uint8_t mac[6], uint32_t mtu_bytes);
void sim_ether_set_mtu(struct sim_iface *iface, uint32_t mtu_bytes);
/* Faults by the seed, up to so many of 1,000 frames each. */
void sim_ether_trouble(struct sim_ether *ether, unsigned most);

/* For sim_link.c: into the interface's queue; 0, or -errno as a kernel says. */
int sim_ether_iface_send(struct sim_iface *iface, const struct drv_frame *frame);

#endif
