/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_link.c - frames that wait for the daemon, and news of its interfaces.
 */
#include "config.h"

#include "tests/sim/sim_link.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"

/* Numbers of descriptors, far above those of sim_sock.c: FIRST + 2 x the link's
 * number has its frames, the one behind it news. */
#define FIRST (1 << 20)

struct sim_waiting {
	STAILQ_ENTRY(sim_waiting) link;
	struct instant came;
	size_t len;
	uint8_t frame[];
};

struct sim_ear {
	struct drv_op *op; /* null: nobody listens */
	struct sim_home *home;
	bool told; /* and it has not been read since */
};

struct sim_link {
	bool open, dead;
	bool news; /* waits to be heard */
	uint32_t index;
	uint16_t ethertype;
	char name[DRV_LINK_NAME];
	STAILQ_HEAD(, sim_waiting) waiting;
	unsigned n_waiting, room;
	uint32_t lost;
	struct sim_ear rx, ear;
};

static struct sim_ether *ether_of(struct drv_links *links)
{
	return SIM_OF(links, struct sim_ether, links);
}

bool sim_link_is(const struct sim_ether *ether, int sock)
{
	return sock >= FIRST && (unsigned)(sock - FIRST) / 2 < ether->n_links;
}

static struct sim_link *link_at(struct sim_ether *ether, int sock)
{
	struct sim_link *link = NULL;

	if (sim_link_is(ether, sock))
		link = ether->link[(sock - FIRST) / 2];
	if (!link || !link->open)
		sim_world_broken(ether->world, "link %d is used, but it is not open", sock);
	return link;
}

/* ---- polls --------------------------------------------------------------- */

static void tell(struct sim_ether *ether, struct sim_ear *ear)
{
	if (!ear->op || (ear->told && sim_rng_chance(&ether->world->rng, 1, 2)))
		return;
	ear->told = true;
	ear->home->ready(ear->home, ear->op, DRV_POLL_IN, true);
}

static struct sim_ear *ear_of(struct sim_ether *ether, const struct drv_op *op)
{
	struct sim_link *link = link_at(ether, op->sock);

	return (op->sock - FIRST) % 2 ? &link->ear : &link->rx;
}

void sim_link_poll(struct sim_ether *ether, struct sim_home *home, struct drv_op *op)
{
	struct sim_link *link = link_at(ether, op->sock);
	struct sim_ear *ear = ear_of(ether, op);

	if (ear->op)
		sim_world_broken(ether->world, "two POLLs at once on link %d", op->sock);
	*ear = (struct sim_ear){ .op = op, .home = home };
	if (ear == &link->rx ? link->n_waiting : link->news)
		tell(ether, ear);
}

bool sim_link_cancel(struct sim_ether *ether, struct drv_op *op)
{
	struct sim_ear *ear = ear_of(ether, op);
	bool armed = ear->op == op;

	ear->op = NULL;
	return armed;
}

/* ---- what the segment tells ---------------------------------------------- */

static void keep(struct sim_link *link, struct sim_ether *ether, const uint8_t *frame, size_t len)
{
	struct sim_waiting *w;

	if (link->n_waiting == link->room) {
		sim_count(ether->world, SIM_COVER_ETHER_OVERRUN);
		link->lost++;
		return;
	}
	w = malloc(sizeof(*w) + len);
	GW_CHECK(w);
	w->len = len;
	w->came.ns = (int64_t)ether->world->now_ns;
	memcpy(w->frame, frame, len);
	STAILQ_INSERT_TAIL(&link->waiting, w, link);
	link->n_waiting++;
	tell(ether, &link->rx);
}

static void came(struct sim_iface *iface, const uint8_t *frame, size_t len)
{
	struct sim_ether *ether = iface->ether;

	for (unsigned i = 0; i < ether->n_links; i++) {
		struct sim_link *link = ether->link[i];

		if (link->open && !link->dead && link->index == iface->facts.index &&
		    link->ethertype == be16_get(frame + 12))
			keep(link, ether, frame, len);
	}
}

static void news(struct sim_iface *iface)
{
	struct sim_ether *ether = iface->ether;

	for (unsigned i = 0; i < ether->n_links; i++)
		if (ether->link[i]->open && !ether->link[i]->dead) {
			ether->link[i]->news = true;
			tell(ether, &ether->link[i]->ear);
			/* A kernel wakes those who wait for frames, too. */
			if (sim_rng_chance(&ether->world->rng, 1, 2))
				tell(ether, &ether->link[i]->rx);
		}
}

const struct sim_ether_daemon sim_link_daemon = { .came = came, .news = news };

/* ---- the contract -------------------------------------------------------- */

static unsigned number_take(struct sim_ether *ether)
{
	unsigned i = 0;

	while (i < ether->n_links && ether->link[i]->open)
		i++;
	if (i == SIM_LINKS)
		sim_world_broken(ether->world, "more than %d links", SIM_LINKS);
	if (i == ether->n_links) {
		ether->link[i] = calloc(1, sizeof(*ether->link[i]));
		GW_CHECK(ether->link[i]);
		ether->n_links++;
	}
	return i;
}

static int link_open(struct drv_links *links, const struct drv_link_want *want,
		     struct drv_link *out, struct drv_link_facts *facts, struct gw_err *err)
{
	struct sim_ether *ether = ether_of(links);
	struct sim_iface *iface = sim_ether_find(ether, want->name);
	struct sim_link *link;
	unsigned i;

	if (!iface || !iface->facts.index)
		return gw_err_set(err, ENODEV, "there is no interface %s", want->name);
	i = number_take(ether);
	link = ether->link[i];
	*link = (struct sim_link){ .open = true,
				   .index = iface->facts.index,
				   .ethertype = want->ethertype,
				   .room = want->rx_frames };
	STAILQ_INIT(&link->waiting);
	memcpy(link->name, iface->name, sizeof(link->name));
	*out = (struct drv_link){ .ethertype = want->ethertype,
				  .sock = FIRST + 2 * (int)i,
				  .news = FIRST + 2 * (int)i + 1,
				  .index = link->index };
	memcpy(out->name, link->name, sizeof(out->name));
	*facts = iface->facts;
	return 0;
}

static void drop_waiting(struct sim_link *link)
{
	while (!STAILQ_EMPTY(&link->waiting)) {
		struct sim_waiting *w = STAILQ_FIRST(&link->waiting);

		STAILQ_REMOVE_HEAD(&link->waiting, link);
		free(w);
	}
	link->n_waiting = 0;
}

static void link_close(struct drv_links *links, struct drv_link *out)
{
	struct sim_ether *ether = ether_of(links);
	struct sim_link *link = link_at(ether, out->sock);

	if (link->rx.op || link->ear.op)
		sim_world_broken(ether->world, "link %d is closed while POLL is armed", out->sock);
	drop_waiting(link);
	link->open = false;
	out->sock = out->news = -1;
	out->index = 0;
}

static bool link_hear(struct drv_links *links, struct drv_link *out)
{
	struct sim_ether *ether = ether_of(links);
	struct sim_link *link = link_at(ether, out->sock);

	link->ear.told = false;
	/* More words than one call takes. */
	link->news = link->news && sim_rng_chance(&ether->world->rng, 1, 8);
	return !link->news;
}

static void link_look(struct drv_links *links, struct drv_link *out, struct drv_link_facts *facts)
{
	struct sim_ether *ether = ether_of(links);
	struct sim_link *link = link_at(ether, out->sock);

	*facts = sim_ether_find(ether, link->name)->facts;
	link->index = out->index = facts->index;
}

/* Into the iovec array as far as it goes. */
static void put(struct drv_frame *frame, const struct sim_waiting *w)
{
	size_t at = 0;

	for (unsigned i = 0; i < frame->niov && at < w->len; i++) {
		size_t left = w->len - at, len = frame->iov[i].iov_len;

		len = len < left ? len : left;
		memcpy(frame->iov[i].iov_base, w->frame + at, len);
		at += len;
	}
	frame->bytes = (uint32_t)w->len;
	frame->cut = at < w->len;
	frame->came = w->came;
}

static unsigned link_take(struct drv_links *links, struct drv_link *out,
			  struct drv_frame *const *frames, unsigned n)
{
	struct sim_link *link = link_at(ether_of(links), out->sock);
	unsigned got = 0;

	GW_CHECK(n && n <= DRV_LINK_BATCH);
	link->rx.told = false;
	for (; got < n && !STAILQ_EMPTY(&link->waiting); got++) {
		struct sim_waiting *w = STAILQ_FIRST(&link->waiting);

		STAILQ_REMOVE_HEAD(&link->waiting, link);
		link->n_waiting--;
		put(frames[got], w);
		free(w);
	}
	return got;
}

static void link_give(struct drv_links *links, struct drv_link *out,
		      struct drv_frame *const *frames, unsigned n)
{
	struct sim_ether *ether = ether_of(links);
	struct sim_link *link = link_at(ether, out->sock);
	struct sim_iface *iface = sim_ether_find(ether, link->name);
	int all = link->dead || !link->index ? -ENETDOWN : 0;

	GW_CHECK(n && n <= DRV_LINK_BATCH);
	for (unsigned i = 0; i < n; i++) {
		frames[i]->res = all ? all : sim_ether_iface_send(iface, frames[i]);
		if (frames[i]->res == -ENOBUFS || frames[i]->res == -ENETDOWN)
			all = frames[i]->res;
	}
}

static uint32_t link_lost(struct drv_links *links, struct drv_link *out)
{
	struct sim_link *link = link_at(ether_of(links), out->sock);
	uint32_t lost = link->lost;

	link->lost = 0;
	return lost;
}

const struct drv_link_ops sim_link_ops = {
	.open = link_open,
	.close = link_close,
	.hear = link_hear,
	.look = link_look,
	.take = link_take,
	.give = link_give,
	.lost = link_lost,
};

/* ---- the machine --------------------------------------------------------- */

void sim_link_power_cut(struct sim_ether *ether)
{
	for (unsigned i = 0; i < ether->n_links; i++) {
		struct sim_link *link = ether->link[i];

		if (!link->open)
			continue;
		drop_waiting(link);
		link->dead = true;
	}
}

unsigned sim_link_open(const struct sim_ether *ether)
{
	unsigned n = 0;

	for (unsigned i = 0; i < ether->n_links; i++)
		n += ether->link[i]->open;
	return n;
}
