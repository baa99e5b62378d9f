/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_ether.c - frames on their way, and what happens to them there.
 */
#include "config.h"

#include "tests/sim/sim_ether.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"
#include "tests/sim/sim_lend.h"

#define LATE_MOST_NS (20 * SIM_MS)

/* One frame in the air; it leaves a queue of an interface, or was a station's. */
struct sim_flight {
	struct sim_event event;
	struct sim_ether *ether;
	struct sim_iface *iface; /* who sent it; null: a station */
	struct sim_station *station;
	LIST_ENTRY(sim_flight) link;
	bool queued; /* in the queue of iface still */
	size_t len;
	uint8_t frame[];
};

/* ---- life ---------------------------------------------------------------- */

struct sim_ether *sim_ether_new(struct sim_world *world, const struct sim_ether_daemon *daemon)
{
	struct sim_ether *ether = calloc(1, sizeof(*ether));

	GW_CHECK(ether);
	ether->world = world;
	ether->daemon = daemon;
	LIST_INIT(&ether->flights);
	return ether;
}

static void end_flight(struct sim_flight *flight)
{
	sim_world_cancel(flight->ether->world, &flight->event);
	LIST_REMOVE(flight, link);
	free(flight);
}

void sim_ether_free(struct sim_ether **address)
{
	struct sim_ether *ether = *address;

	if (!ether)
		return;
	while (!LIST_EMPTY(&ether->flights))
		end_flight(LIST_FIRST(&ether->flights));
	while (ether->ifaces) {
		struct sim_iface *iface = ether->ifaces;

		ether->ifaces = iface->next;
		free(iface);
	}
	while (ether->stations) {
		struct sim_station *station = ether->stations;

		ether->stations = station->next;
		free(station);
	}
	for (unsigned i = 0; i < ether->n_links; i++)
		free(ether->link[i]);
	free(ether);
	*address = NULL;
}

/* ---- who is there -------------------------------------------------------- */

struct sim_iface *sim_ether_find(const struct sim_ether *ether, const char *name)
{
	struct sim_iface *iface = ether->ifaces;

	while (iface && strcmp(iface->name, name) != 0)
		iface = iface->next;
	return iface;
}

static void draw_the_wire(struct sim_ether *ether)
{
	struct sim_rng *rng = &ether->world->rng;

	if (ether->latency_ns)
		return;
	ether->latency_ns = sim_rng_log(rng, 2 * SIM_US, SIM_MS);
	ether->ns_per_kib = sim_rng_log(rng, 80, 10 * SIM_US);
}

struct sim_iface *sim_ether_iface(struct sim_ether *ether, const char *name, const uint8_t mac[6],
				  uint32_t mtu_bytes)
{
	struct sim_iface *iface = calloc(1, sizeof(*iface));

	GW_CHECK(iface && strlen(name) < sizeof(iface->name) && !sim_ether_find(ether, name));
	draw_the_wire(ether);
	memcpy(iface->name, name, strlen(name));
	iface->ether = ether;
	iface->tx_room = (unsigned)sim_rng_log(&ether->world->rng, 32, 1000);
	iface->next = ether->ifaces;
	ether->ifaces = iface;
	sim_ether_restore(iface, mac, mtu_bytes);
	return iface;
}

struct sim_station *sim_ether_join(struct sim_ether *ether, const uint8_t mac[6],
				   void (*frame)(void *arg, const uint8_t *frame, size_t len),
				   void *arg)
{
	struct sim_station *station = calloc(1, sizeof(*station));

	GW_CHECK(station);
	draw_the_wire(ether);
	*station = (struct sim_station){
		.ether = ether, .frame = frame, .arg = arg, .next = ether->stations
	};
	memcpy(station->mac, mac, 6);
	ether->stations = station;
	return station;
}

/* ---- what becomes of an interface ---------------------------------------- */

static void tell(struct sim_iface *iface)
{
	sim_note(iface->ether->world, SIM_TR_IFACE, iface->facts.index, iface->facts.up,
		 iface->facts.mtu_bytes);
	iface->ether->daemon->news(iface);
}

/* What its queue holds goes nowhere. */
static void empty_queue(struct sim_iface *iface)
{
	struct sim_flight *flight = LIST_FIRST(&iface->ether->flights), *next;

	for (; flight; flight = next) {
		next = LIST_NEXT(flight, link);
		if (flight->queued && flight->iface == iface)
			end_flight(flight);
	}
	iface->tx_waiting = 0;
}

void sim_ether_set_up(struct sim_iface *iface, bool up)
{
	if (!up) {
		sim_count(iface->ether->world, SIM_COVER_ETHER_DOWN);
		empty_queue(iface);
	}
	iface->facts.up = up && iface->facts.index;
	tell(iface);
}

void sim_ether_remove(struct sim_iface *iface)
{
	sim_count(iface->ether->world, SIM_COVER_ETHER_DOWN);
	empty_queue(iface);
	iface->facts = (struct drv_link_facts){ 0 };
	tell(iface);
}

void sim_ether_restore(struct sim_iface *iface, const uint8_t mac[6], uint32_t mtu_bytes)
{
	iface->facts = (struct drv_link_facts){ .index = ++iface->ether->last_index,
						.mtu_bytes = mtu_bytes,
						.up = true };
	memcpy(iface->facts.mac, mac, 6);
	tell(iface);
}

void sim_ether_set_mtu(struct sim_iface *iface, uint32_t mtu_bytes)
{
	iface->facts.mtu_bytes = mtu_bytes;
	tell(iface);
}

void sim_ether_trouble(struct sim_ether *ether, unsigned most)
{
	struct sim_rng *rng = &ether->world->rng;

	ether->faults = (struct sim_ether_faults){
		.lost = (unsigned)sim_rng_between(rng, 0, most),
		.twice = (unsigned)sim_rng_between(rng, 0, most),
		.late = (unsigned)sim_rng_between(rng, 0, most),
	};
}

/* ---- arriving ------------------------------------------------------------ */

static bool is_for(const uint8_t *frame, const uint8_t mac[6])
{
	return (frame[0] & 1) || !memcmp(frame, mac, 6); /* the group bit: many, or all */
}

static void fire_arrival(struct sim_event *event)
{
	struct sim_flight *f = SIM_OF(event, struct sim_flight, event);
	struct sim_ether *ether = f->ether;

	sim_note(ether->world, SIM_TR_FRAME_IN, f->iface ? f->iface->facts.index : 0, f->len, 0);
	for (struct sim_station *s = ether->stations; s; s = s->next)
		if (s != f->station && is_for(f->frame, s->mac))
			s->frame(s->arg, f->frame, f->len);
	for (struct sim_iface *i = ether->ifaces; i; i = i->next)
		if (i != f->iface && i->facts.up && is_for(f->frame, i->facts.mac) &&
		    f->len <= i->facts.mtu_bytes + DRV_LINK_HEADER)
			ether->daemon->came(i, f->frame, f->len);
	end_flight(f);
}

/* ---- leaving ------------------------------------------------------------- */

static struct sim_flight *new_flight(struct sim_ether *ether, size_t len)
{
	struct sim_flight *flight = calloc(1, sizeof(*flight) + len);

	GW_CHECK(flight);
	flight->ether = ether;
	flight->len = len;
	LIST_INSERT_HEAD(&ether->flights, flight, link);
	return flight;
}

static bool chance(struct sim_ether *ether, unsigned of_1000)
{
	return of_1000 && sim_rng_chance(&ether->world->rng, of_1000, 1000);
}

static void fly(struct sim_flight *flight)
{
	struct sim_ether *ether = flight->ether;
	uint64_t delay = ether->latency_ns;

	if (chance(ether, ether->faults.late)) {
		sim_count(ether->world, SIM_COVER_ETHER_LATE);
		delay += sim_rng_log(&ether->world->rng, SIM_US, LATE_MOST_NS);
	}
	flight->event.fire = fire_arrival;
	sim_world_after(ether->world, &flight->event, delay);
}

static void copy_flight(const struct sim_flight *from)
{
	struct sim_flight *copy = new_flight(from->ether, from->len);

	sim_count(from->ether->world, SIM_COVER_ETHER_TWICE);
	copy->iface = from->iface;
	copy->station = from->station;
	memcpy(copy->frame, from->frame, from->len);
	fly(copy);
}

/* It is on the wire. */
static void leave(struct sim_flight *flight)
{
	struct sim_ether *ether = flight->ether;

	sim_note(ether->world, SIM_TR_FRAME_OUT, flight->iface ? flight->iface->facts.index : 0,
		 flight->len, 0);
	if (chance(ether, ether->faults.lost)) {
		sim_count(ether->world, SIM_COVER_ETHER_LOSS);
		end_flight(flight);
		return;
	}
	if (chance(ether, ether->faults.twice))
		copy_flight(flight);
	fly(flight);
}

static void fire_departure(struct sim_event *event)
{
	struct sim_flight *flight = SIM_OF(event, struct sim_flight, event);

	if (flight->iface)
		flight->iface->tx_waiting--;
	flight->queued = false;
	leave(flight);
}

/* Frames of one sender leave one after the other, as fast as the wire is. */
static void enqueue(struct sim_flight *flight, uint64_t *line_ns)
{
	struct sim_ether *ether = flight->ether;

	if (*line_ns < ether->world->now_ns)
		*line_ns = ether->world->now_ns;
	*line_ns += 1 + ether->ns_per_kib * flight->len / 1024;
	flight->queued = true;
	flight->event.fire = fire_departure;
	sim_world_at(ether->world, &flight->event, *line_ns);
}

void sim_ether_station_send(struct sim_station *station, const void *frame, size_t len)
{
	struct sim_flight *flight = new_flight(station->ether, len);

	GW_CHECK(len >= DRV_LINK_HEADER);
	flight->station = station;
	memcpy(flight->frame, frame, len);
	enqueue(flight, &station->line_ns);
}

uint64_t sim_ether_landed_ns(const struct sim_station *station)
{
	const struct sim_ether *ether = station->ether;
	uint64_t sent = station->line_ns;

	sent = sent < ether->world->now_ns ? ether->world->now_ns : sent;
	return sent + ether->latency_ns + (ether->faults.late ? LATE_MOST_NS : 0);
}

void sim_ether_hush(struct sim_ether *ether)
{
	while (!LIST_EMPTY(&ether->flights))
		end_flight(LIST_FIRST(&ether->flights));
	for (struct sim_iface *i = ether->ifaces; i; i = i->next)
		i->tx_waiting = 0;
}

static size_t bytes_of(const struct drv_frame *frame)
{
	size_t n = 0;

	for (unsigned i = 0; i < frame->niov; i++)
		n += frame->iov[i].iov_len;
	return n;
}

int sim_ether_iface_send(struct sim_iface *iface, const struct drv_frame *frame)
{
	size_t len = bytes_of(frame), at = 0;
	struct sim_flight *flight;

	if (!iface->facts.up)
		return -ENETDOWN;
	if (len < DRV_LINK_HEADER)
		return -EINVAL;
	if (len > iface->facts.mtu_bytes + DRV_LINK_HEADER)
		return -EMSGSIZE;
	if (iface->tx_waiting >= iface->tx_room) {
		sim_count(iface->ether->world, SIM_COVER_ETHER_FULL);
		return -ENOBUFS;
	}
	flight = new_flight(iface->ether, len);
	for (unsigned i = 0; i < frame->niov; at += frame->iov[i++].iov_len)
		if (!sim_lend_copy(iface->ether->world, flight->frame + at, frame->iov[i].iov_base,
				   frame->iov[i].iov_len)) {
			end_flight(flight);
			return -EFAULT;
		}
	flight->iface = iface;
	iface->tx_waiting++;
	enqueue(flight, &iface->line_ns);
	return 0;
}
