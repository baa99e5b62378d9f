/* SPDX-License-Identifier: BSD-3-Clause
 *
 * event.h - what happens to a volume, told to every I_T_L nexus of it.
 *
 * SCSI turns them into unit attentions, NBD, AoE and FUSE into what they have.
 */
#ifndef GATEWAY_API_EVENT_H
#define GATEWAY_API_EVENT_H

#include <stdint.h>

struct gw_nexus;

/* EVENT(name, words) */
#define GW_EVENTS(EVENT)                                                            \
	EVENT(GW_EVENT_RESIZED, "the size has changed")                             \
	EVENT(GW_EVENT_MODE_CHANGED, "write cache or write protection changed")     \
	EVENT(GW_EVENT_OFFLINE, "the store is gone")                                \
	EVENT(GW_EVENT_ONLINE, "the store is there again")                          \
	EVENT(GW_EVENT_RESERVATION_LOST, "a reservation was preempted or released") \
	EVENT(GW_EVENT_REGISTRATION_LOST, "a registration was preempted")           \
	EVENT(GW_EVENT_RESET, "a reset aborted the commands")                       \
	EVENT(GW_EVENT_GOING_AWAY, "the export ends; finish and disconnect")

enum gw_event_kind {
#define EVENT(name, words) name,
	GW_EVENTS(EVENT)
#undef EVENT
		GW_EVENT_COUNT
};

struct gw_event {
	enum gw_event_kind kind;
	uint64_t nexus_id; /* the nexus that caused it; 0: nobody */
	uint64_t size_bytes; /* RESIZED: the new size */
};

const char *gw_event_words(enum gw_event_kind kind);

#endif
