/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_aoe.c - frames of a simulated AoE client, and when they go again.
 */
#include "config.h"

#include "tests/sim/sim_aoe.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"

#define SEEK_NS (200 * SIM_MS)
#define SILENT_NS (3 * SIM_S)
#define DOUBLES 12u /* of the waiting time */

static struct sim_rng *rng_of(struct sim_aoe *a)
{
	return &a->world->rng;
}

const uint8_t *sim_aoe_mac(const struct sim_aoe *a, unsigned i)
{
	return a->station[i]->mac;
}

uint32_t sim_aoe_sectors(const struct sim_aoe *a)
{
	uint32_t most = 0;

	for (unsigned i = 0; i < SIM_AOE_TARGETS; i++)
		if (a->target[i].known && a->target[i].sectors > most)
			most = a->target[i].sectors;
	return most;
}

/* ---- one frame ---------------------------------------------------------- */

static void put_head(uint8_t *f, const uint8_t *dst, uint8_t command, uint32_t tag)
{
	memcpy(f + SIM_AT_DST, dst, 6);
	be16_put(f + SIM_AT_TYPE, SIM_AOE_TYPE);
	f[SIM_AT_VERSION] = SIM_AOE_REQUEST;
	be16_put(f + SIM_AT_SHELF, SIM_AOE_SHELF);
	f[SIM_AT_SLOT] = SIM_AOE_SLOT;
	f[SIM_AT_COMMAND] = command;
	be32_put(f + SIM_AT_TAG, tag);
}

/* 3.1: the low byte of the address first.  A short address leaves half a byte of
 * the device register, where hosts of old put 0xe. */
static size_t put_ata(const struct sim_aoe_cmd *cmd, uint8_t *f)
{
	uint64_t lba = cmd->kind == SIM_AOE_KIND_TRIM ? 0 : cmd->range[0].first;
	uint32_t count = cmd->kind == SIM_AOE_KIND_TRIM ? 1 : cmd->range[0].count;

	f[24] = cmd->flags;
	f[25] = cmd->kind == SIM_AOE_KIND_TRIM;
	f[26] = (uint8_t)count;
	f[27] = cmd->op;
	for (unsigned i = 0; i < 6; i++)
		f[28 + i] = (uint8_t)(lba >> (8 * i));
	if (!(cmd->flags & SIM_ATA_LONG))
		f[31] = (uint8_t)((f[31] & 0x0f) | 0xe0);
	if (cmd->out_bytes)
		memcpy(f + SIM_AT_DATA, cmd->out, cmd->out_bytes);
	return SIM_AT_DATA + cmd->out_bytes;
}

static size_t put_query(const struct sim_aoe_cmd *cmd, uint8_t *f)
{
	f[29] = (uint8_t)(0x10 | cmd->list_command);
	be16_put(f + 30, (uint16_t)cmd->out_bytes);
	if (cmd->out_bytes)
		memcpy(f + 32, cmd->out, cmd->out_bytes);
	return 32 + cmd->out_bytes;
}

static size_t put_mask(const struct sim_aoe_cmd *cmd, uint8_t *f)
{
	struct sim_aoe *a = cmd->aoe;
	unsigned n = cmd->list_command == SIM_LIST_READ ? 0 : a->cfg.macs;

	f[25] = cmd->list_command;
	f[27] = (uint8_t)n;
	for (unsigned i = 0; i < n; i++) {
		f[28 + 8 * i + 1] = cmd->directive;
		memcpy(f + 28 + 8 * i + 2, sim_aoe_mac(a, i), 6);
	}
	return 28 + 8 * n;
}

/* Of a list to be set: ours, or nobody (directive: DELETE). */
static size_t put_reserve(const struct sim_aoe_cmd *cmd, uint8_t *f)
{
	struct sim_aoe *a = cmd->aoe;
	bool none = cmd->list_command == SIM_LIST_READ || cmd->directive == SIM_DIRECTIVE_DELETE;
	unsigned n = none ? 0 : a->cfg.macs;

	f[24] = cmd->list_command;
	f[25] = (uint8_t)n;
	for (unsigned i = 0; i < n; i++)
		memcpy(f + 26 + 6 * i, sim_aoe_mac(a, i), 6);
	return 26 + 6 * n;
}

static size_t build(struct sim_aoe_cmd *cmd)
{
	struct sim_aoe *a = cmd->aoe;
	uint8_t *f = a->frame;
	size_t len = 0;

	memset(f, 0, SIM_AOE_SHORTEST);
	put_head(f, a->target[cmd->target].mac, cmd->code, cmd->tag);
	memcpy(f + SIM_AT_SRC, sim_aoe_mac(a, cmd->mac), 6);
	switch (cmd->code) {
	case SIM_AOE_ATA:
		len = put_ata(cmd, f);
		break;
	case SIM_AOE_QUERY:
		len = put_query(cmd, f);
		break;
	case SIM_AOE_MASK:
		len = put_mask(cmd, f);
		break;
	case SIM_AOE_RESERVE:
		len = put_reserve(cmd, f);
		break;
	}
	return len < SIM_AOE_SHORTEST ? SIM_AOE_SHORTEST : len;
}

/* ---- when it goes again ------------------------------------------------- */

static void learn(struct sim_aoe *a, uint64_t took_ns)
{
	uint64_t off = took_ns > a->avg_ns ? took_ns - a->avg_ns : a->avg_ns - took_ns;

	a->avg_ns = a->avg_ns ? (7 * a->avg_ns + took_ns) / 8 : took_ns;
	a->dev_ns = (3 * a->dev_ns + off) / 4;
}

/* With one tag for all its frames whose answer it is would be a guess, unless it was
 * sent once (Karn and Partridge, SIGCOMM 1987).  With new tags an answer tells of its
 * own frame, even if another one was sent since: or who waits less long than a slow disk
 * takes would never be answered. */
void sim_aoe_measure(struct sim_aoe *a, const struct sim_aoe_cmd *cmd, uint32_t tag)
{
	uint16_t ms = (uint16_t)(a->world->now_ns / SIM_MS - tag);

	if (cmd && (cmd->tries == 1 || a->cfg.style == SIM_AOE_NEW_TAGS))
		learn(a, a->world->now_ns - cmd->sent_ns);
	else if (!cmd && a->cfg.style == SIM_AOE_NEW_TAGS)
		learn(a, ms * SIM_MS);
}

/* A counter above, the clock below: as Linux. */
static uint32_t new_tag(struct sim_aoe *a)
{
	a->tags++;
	if (a->cfg.style != SIM_AOE_NEW_TAGS)
		return a->tags;
	return a->tags << 16 | (uint16_t)(a->world->now_ns / SIM_MS);
}

static uint64_t wait_ns(const struct sim_aoe_cmd *cmd)
{
	const struct sim_aoe *a = cmd->aoe;
	uint64_t ns = 2 * a->avg_ns + 8 * a->dev_ns;

	ns = ns < a->cfg.wait_min_ns ? a->cfg.wait_min_ns : ns;
	if (ns >= a->cfg.wait_max_ns)
		return ns;
	ns <<= cmd->tries < DOUBLES ? cmd->tries - 1 : DOUBLES;
	return ns < a->cfg.wait_max_ns ? ns : a->cfg.wait_max_ns;
}

static bool knows(const struct sim_aoe *a)
{
	for (unsigned i = 0; i < SIM_AOE_TARGETS; i++)
		if (a->target[i].known)
			return true;
	return false;
}

/* Lists and strings go by one way, so that their frames stay in order.  Who has one tag
 * for a command has one station for it: to the guard a tag is its source's alone. */
static void choose_way(struct sim_aoe_cmd *cmd)
{
	struct sim_aoe *a = cmd->aoe;
	bool first = cmd->code != SIM_AOE_ATA && cmd->tries < 4;

	if (cmd->tries && !first && sim_rng_chance(rng_of(a), 1, 2))
		return; /* the same again */
	if (!cmd->tries || a->cfg.style == SIM_AOE_NEW_TAGS)
		cmd->mac = first ? 0 : (unsigned)sim_rng_below(rng_of(a), a->cfg.macs);
	cmd->target = first ? 0 : (unsigned)sim_rng_below(rng_of(a), SIM_AOE_TARGETS);
	if (!a->target[cmd->target].known)
		cmd->target = (cmd->target + 1) % SIM_AOE_TARGETS;
}

static void transmit(struct sim_aoe_cmd *cmd)
{
	struct sim_aoe *a = cmd->aoe;
	uint64_t landed;

	choose_way(cmd);
	if (!cmd->tries || a->cfg.style == SIM_AOE_NEW_TAGS)
		cmd->tag = new_tag(a);
	cmd->tries++;
	cmd->sent_ns = a->world->now_ns;
	if (cmd->tries > 1)
		sim_count(a->world, SIM_COVER_AOE_AGAIN);
	sim_ether_station_send(a->station[cmd->mac], a->frame, build(cmd));
	landed = sim_ether_landed_ns(a->station[cmd->mac]);
	cmd->landed_ns = landed > cmd->landed_ns ? landed : cmd->landed_ns;
	sim_world_at(a->world, &cmd->again, cmd->landed_ns + wait_ns(cmd));
}

/* A target that is silent where another one answers is gone. */
static void doubt(struct sim_aoe *a)
{
	uint64_t newest = 0;

	for (unsigned i = 0; i < SIM_AOE_TARGETS; i++)
		if (a->target[i].known && a->target[i].heard_ns > newest)
			newest = a->target[i].heard_ns;
	for (unsigned i = 0; i < SIM_AOE_TARGETS; i++)
		if (a->target[i].heard_ns + SILENT_NS < newest)
			a->target[i].known = false;
}

static bool is_too_long(const struct sim_aoe_cmd *cmd)
{
	return (cmd->kind == SIM_AOE_KIND_READ || cmd->kind == SIM_AOE_KIND_WRITE) &&
	       cmd->range[0].count > sim_aoe_sectors(cmd->aoe);
}

static void fire_again(struct sim_event *event)
{
	struct sim_aoe_cmd *cmd = SIM_OF(event, struct sim_aoe_cmd, again);
	struct sim_aoe *a = cmd->aoe;

	if (cmd->answered) {
		sim_aoe_finish(cmd, SIM_AOE_ANSWERED);
		return;
	}
	if (is_too_long(cmd) ||
	    (a->cfg.patience_ns && cmd->begun_ns + a->cfg.patience_ns < a->world->now_ns)) {
		sim_aoe_finish(cmd, SIM_AOE_GIVEN_UP);
		return;
	}
	if (cmd->tries % 4 == 3)
		sim_aoe_seek(a);
	if (cmd->tries % 8 == 7)
		doubt(a);
	transmit(cmd);
}

/* ---- commands ----------------------------------------------------------- */

struct sim_aoe_cmd *sim_aoe_take(struct sim_aoe *a)
{
	for (unsigned i = 0; i < SIM_AOE_DEPTH && a->ready; i++) {
		struct sim_aoe_cmd *cmd = &a->cmd[i];

		if (cmd->used)
			continue;
		*cmd = (struct sim_aoe_cmd){ .used = true, .aoe = a, .again.fire = fire_again };
		a->in_flight++;
		return cmd;
	}
	return NULL;
}

void sim_aoe_send(struct sim_aoe_cmd *cmd)
{
	cmd->begun_ns = cmd->aoe->world->now_ns;
	transmit(cmd);
}

void sim_aoe_finish(struct sim_aoe_cmd *cmd, enum sim_aoe_end end)
{
	struct sim_aoe *a = cmd->aoe;

	sim_world_cancel(a->world, &cmd->again);
	cmd->ending = true; /* done() may send new ones */
	a->in_flight--;
	a->ops->done(a->arg, cmd, end);
	free(cmd->out);
	*cmd = (struct sim_aoe_cmd){ 0 };
}

/* ---- targets ------------------------------------------------------------ */

static void ask_all(struct sim_aoe *a, unsigned mac)
{
	static const uint8_t all[6] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	uint8_t f[SIM_AOE_SHORTEST] = { 0 };

	put_head(f, all, SIM_AOE_QUERY, new_tag(a));
	memcpy(f + SIM_AT_SRC, sim_aoe_mac(a, mac), 6);
	if (sim_rng_chance(rng_of(a), 1, 2)) {
		be16_put(f + SIM_AT_SHELF, SIM_AOE_ALL_SHELVES);
		f[SIM_AT_SLOT] = SIM_AOE_ALL_SLOTS;
	}
	f[29] = 0x10;
	sim_ether_station_send(a->station[mac], f, sizeof(f));
}

static void fire_seek(struct sim_event *event)
{
	struct sim_aoe *a = SIM_OF(event, struct sim_aoe, seek);

	if (a->asked && knows(a))
		return;
	ask_all(a, a->asked++ % a->cfg.macs);
	sim_world_after(a->world, &a->seek, SEEK_NS << (a->asked < 5 ? a->asked : 5));
}

void sim_aoe_seek(struct sim_aoe *a)
{
	a->asked = 0;
	if (!sim_world_is_set(&a->seek))
		sim_world_after(a->world, &a->seek, sim_rng_below(rng_of(a), SIM_MS));
}

/* It takes the place of what was not heard longest. */
void sim_aoe_found(struct sim_aoe *a, const uint8_t mac[6], uint32_t sectors)
{
	struct sim_aoe_target *t = &a->target[0];
	bool was_ready = a->ready;

	for (unsigned i = 0; i < SIM_AOE_TARGETS; i++)
		if (a->target[i].heard_ns < t->heard_ns)
			t = &a->target[i];
	for (unsigned i = 0; i < SIM_AOE_TARGETS; i++)
		if (a->target[i].known && !memcmp(a->target[i].mac, mac, 6))
			t = &a->target[i];
	t->known = true;
	memcpy(t->mac, mac, 6);
	t->sectors = sectors;
	t->heard_ns = a->world->now_ns;
	a->ready = true;
	if (was_ready)
		return;
	sim_count(a->world, SIM_COVER_AOE_FOUND);
	a->ops->ready(a->arg);
}

/* ---- life --------------------------------------------------------------- */

struct sim_aoe *sim_aoe_new(struct sim_ether *ether, const struct sim_aoe_cfg *cfg,
			    const struct sim_aoe_ops *ops, void *arg, unsigned id)
{
	struct sim_aoe *a = calloc(1, sizeof(*a));

	GW_CHECK(a && cfg->macs && cfg->macs <= SIM_AOE_MACS);
	a->world = ether->world;
	a->ether = ether;
	a->id = id;
	a->cfg = *cfg;
	a->ops = ops;
	a->arg = arg;
	a->tags = (uint32_t)sim_rng_next(&ether->world->rng) & 0x7fffffff;
	a->seek.fire = fire_seek;
	for (unsigned i = 0; i < cfg->macs; i++) {
		const uint8_t mac[6] = { 2, 0, 0, 0xc1, (uint8_t)id, (uint8_t)i };

		a->station[i] = sim_ether_join(ether, mac, sim_aoe_heard, a);
	}
	return a;
}

/* The segment keeps the stations: they must not be heard any more, so this is for
 * the end of the world. */
void sim_aoe_free(struct sim_aoe **address)
{
	struct sim_aoe *a = *address;

	if (!a)
		return;
	sim_world_cancel(a->world, &a->seek);
	for (unsigned i = 0; i < SIM_AOE_DEPTH; i++) {
		sim_world_cancel(a->world, &a->cmd[i].again);
		free(a->cmd[i].out);
	}
	free(a);
	*address = NULL;
}
