/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_model.c - the sets of writes that may be seen, sector by sector.
 *
 * "Before" is always "its end lies before the other's submit" (or, lost, before
 * the other's connection was begun); writes that are neither before nor after
 * each other are concurrent and any of them may win.
 */
#include "config.h"

#include "tests/sim/sim_model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/check.h"

#define NEVER UINT64_MAX
#define STAMP_MAGIC 0x736c756963650000u

struct stamp {
	uint64_t magic, write, sector, writer;
};

struct sim_model *sim_model_new(struct sim_world *world, uint64_t sectors)
{
	struct sim_model *m = calloc(1, sizeof(*m));

	GW_CHECK(m);
	m->world = world;
	m->sectors = sectors;
	m->cell = calloc(sectors, sizeof(*m->cell));
	m->write_room = 256;
	m->write = calloc(m->write_room, sizeof(*m->write));
	GW_CHECK(m->cell && m->write);
	m->write[0] = (struct sim_write){ .count = (uint32_t)sectors,
					  .kind = SIM_ZERO,
					  .decided = NEVER };
	m->n_writes = 1;
	m->clock = 1;
	return m;
}

void sim_model_free(struct sim_model **model)
{
	struct sim_model *m = *model;

	if (!m)
		return;
	for (uint64_t s = 0; s < m->sectors; s++)
		free(m->cell[s].entry);
	free(m->cell);
	free(m->write);
	free(m->reads);
	free(m);
	*model = NULL;
}

/* ---- cells -------------------------------------------------------------- */

static uint64_t oldest_read(const struct sim_model *m)
{
	return m->reads_n ? m->reads[m->reads_first] : NEVER;
}

/* Forgets what no read and no power cut can show any more. */
static void purge(const struct sim_model *m, struct sim_cell *c)
{
	uint64_t oldest = oldest_read(m);
	uint16_t n = 0;

	for (uint16_t i = 0; i < c->n; i++)
		if (!c->entry[i].dead || c->entry[i].removed >= oldest)
			c->entry[n++] = c->entry[i];
	c->n = n;
}

static void push(const struct sim_model *m, struct sim_cell *c, uint32_t write)
{
	if (c->n == c->room)
		purge(m, c);
	if (c->n == c->room) {
		c->room = (uint16_t)(c->room ? 2 * c->room : 4);
		c->entry = realloc(c->entry, c->room * sizeof(*c->entry));
		GW_CHECK(c->entry && c->room);
	}
	if (c->room == 4 && c->n == 0) /* the first touch: the zeroes before */
		c->entry[c->n++] = (struct sim_entry){ .removed = NEVER };
	c->entry[c->n++] = (struct sim_entry){ .write = write, .removed = NEVER };
}

/* The cell's entries; one that was never touched holds the first zeroes. */
static struct sim_cell view(const struct sim_model *m, uint64_t sector)
{
	static struct sim_entry zeroes = { .removed = NEVER };
	struct sim_cell c = m->cell[sector];

	if (c.n == 0)
		c = (struct sim_cell){ .entry = &zeroes, .n = 1, .room = 1 };
	return c;
}

static bool before(const struct sim_model *m, uint32_t a, uint32_t b)
{
	const struct sim_write *x = &m->write[a], *y = &m->write[b];

	if (x->port && x->port == y->port && x->session < y->session)
		return true;
	return x->end < y->submit || x->decided < y->born;
}

/* ---- writes ------------------------------------------------------------- */

uint64_t sim_model_now(struct sim_model *m)
{
	return ++m->clock;
}

uint32_t sim_model_write(struct sim_model *m, uint32_t writer, uint64_t born, enum sim_kind kind,
			 uint64_t first, uint32_t count, bool fua)
{
	uint32_t id = (uint32_t)m->n_writes;

	GW_CHECK(first + count <= m->sectors && count);
	if (m->n_writes == m->write_room) {
		m->write_room *= 2;
		m->write = realloc(m->write, m->write_room * sizeof(*m->write));
		GW_CHECK(m->write);
	}
	m->write[m->n_writes++] = (struct sim_write){ .first = first,
						      .count = count,
						      .writer = writer,
						      .kind = kind,
						      .fua = fua || m->write_through,
						      .born = born,
						      .submit = ++m->clock,
						      .ack = NEVER,
						      .end = NEVER,
						      .decided = NEVER };
	for (uint32_t i = 0; i < count; i++)
		push(m, &m->cell[first + i], id);
	sim_note(m->world, SIM_TR_WRITE, writer, id, first);
	sim_note(m->world, SIM_TR_RANGE, id, count, kind);
	return id;
}

void sim_model_of_session(struct sim_model *m, uint32_t id, uint32_t port, uint32_t session)
{
	m->write[id].port = port;
	m->write[id].session = session;
}

void sim_model_fill(const struct sim_model *m, uint32_t id, uint8_t *buf)
{
	const struct sim_write *w = &m->write[id];

	for (uint32_t i = 0; i < (w->kind == SIM_SAME ? 1 : w->count); i++) {
		struct stamp s = { STAMP_MAGIC, id, w->first + i, w->writer };

		for (unsigned k = 0; k < SIM_MODEL_SECTOR / sizeof(s); k++)
			memcpy(buf + k * sizeof(s), &s, sizeof(s));
		buf += SIM_MODEL_SECTOR;
	}
}

static void acked_cell(struct sim_model *m, struct sim_cell *c, uint32_t id)
{
	for (uint16_t i = 0; i < c->n; i++) {
		struct sim_entry *e = &c->entry[i];

		if (e->write == id || !before(m, e->write, id))
			continue;
		if (e->removed == NEVER) {
			e->removed = m->clock;
			e->remover = id;
		}
		e->dead = e->dead || m->write[id].fua;
	}
}

void sim_model_acked(struct sim_model *m, uint32_t id)
{
	struct sim_write *w = &m->write[id];
	/* What landed before a failed sync may be gone again. */
	bool stands = w->submit > m->settled && (w->fua || w->submit > m->disturbed);

	w->ack = w->end = ++m->clock;
	for (uint32_t i = 0; i < w->count && stands; i++)
		acked_cell(m, &m->cell[w->first + i], id);
	sim_note(m->world, SIM_TR_ACKED, id, w->fua, w->ack);
	sim_count(m->world, SIM_COVER_WRITES);
}

void sim_model_failed(struct sim_model *m, uint32_t id, uint32_t error)
{
	m->write[id].end = ++m->clock;
	sim_note(m->world, SIM_TR_FAILED, id, error, 0);
}

void sim_model_lost(struct sim_model *m, uint32_t id)
{
	sim_note(m->world, SIM_TR_LOST, id, 0, 0);
}

void sim_model_decided(struct sim_model *m, uint32_t id)
{
	if (m->write[id].end == NEVER && m->write[id].decided == NEVER)
		m->write[id].decided = ++m->clock;
}

void sim_model_ended(struct sim_model *m, uint32_t id)
{
	if (m->write[id].end != NEVER)
		return;
	m->write[id].end = ++m->clock;
	sim_note(m->world, SIM_TR_ENDED, id, 0, 0);
}

/* ---- reads -------------------------------------------------------------- */

uint64_t sim_model_read(struct sim_model *m)
{
	if (m->reads_first + m->reads_n == m->reads_room) {
		if (m->reads_n)
			memmove(m->reads, m->reads + m->reads_first,
				m->reads_n * sizeof(*m->reads));
		m->reads_first = 0;
		if (m->reads_n >= m->reads_room / 2) {
			m->reads_room = m->reads_room ? 2 * m->reads_room : 64;
			m->reads = realloc(m->reads, m->reads_room * sizeof(*m->reads));
			GW_CHECK(m->reads);
		}
	}
	m->reads[m->reads_first + m->reads_n++] = ++m->clock;
	return m->clock;
}

void sim_model_read_over(struct sim_model *m, uint64_t stamp)
{
	for (size_t i = 0; i < m->reads_n; i++)
		if (m->reads[m->reads_first + i] == stamp)
			m->reads[m->reads_first + i] = 0;
	while (m->reads_n && m->reads[m->reads_first] == 0) {
		m->reads_first++;
		m->reads_n--;
	}
}

static bool all_zero(const uint8_t *buf)
{
	uint64_t first;

	memcpy(&first, buf, sizeof(first));
	return first == 0 && memcmp(buf, buf + 8, SIM_MODEL_SECTOR - 8) == 0;
}

/* Which write do these bytes belong to?  -1: a zero sector, -2: none at all. */
static int64_t whose(const struct sim_model *m, uint64_t sector, const uint8_t *buf)
{
	struct stamp s;

	if (all_zero(buf))
		return -1;
	memcpy(&s, buf, sizeof(s));
	if (memcmp(buf, buf + sizeof(s), SIM_MODEL_SECTOR - sizeof(s)) != 0)
		return -2;
	if (s.magic != STAMP_MAGIC || s.write >= m->n_writes)
		return -2;
	if (s.sector != (m->write[s.write].kind == SIM_SAME ? m->write[s.write].first : sector))
		return -2;
	return m->write[s.write].writer == s.writer ? (int64_t)s.write : -2;
}

static bool matches(const struct sim_model *m, const struct sim_entry *e, int64_t write)
{
	if (write < 0)
		return write == -1 && m->write[e->write].kind == SIM_ZERO;
	return e->write == (uint32_t)write && m->write[e->write].kind != SIM_ZERO;
}

static const char *fate(const struct sim_write *w)
{
	if (w->ack != NEVER)
		return "acknowledged";
	return w->end == NEVER ? "in flight" : "without an answer";
}

static void complain(struct sim_model *m, const char *where, uint64_t sector, const uint8_t *buf)
{
	int64_t write = whose(m, sector, buf);
	struct sim_cell c = view(m, sector);
	const struct sim_write *last = &m->write[c.entry[c.n - 1].write];
	struct stamp s;

	memcpy(&s, buf, sizeof(s));
	if (write == -2)
		sim_world_fail(m->world,
			       "%s: sector %" PRIu64 " holds bytes that nobody wrote there"
			       " (magic %" PRIx64 ", write %" PRIu64 ", sector %" PRIu64 ")",
			       where, sector, s.magic, s.write, s.sector);
	else
		sim_world_fail(m->world,
			       "%s: sector %" PRIu64 " holds write %" PRId64
			       " (-1: zeroes; %s), which cannot be there any more; the last one"
			       " submitted was %" PRIu32 " (%s, stamp %" PRIu64 ")",
			       where, sector, write, write < 0 ? "" : fate(&m->write[write]),
			       c.entry[c.n - 1].write, fate(last), last->submit);
}

/* What was seen ends the chances of those that were done before the read. */
static void observe(struct sim_model *m, struct sim_cell *c, const struct sim_entry *seen,
		    uint64_t stamp)
{
	for (uint16_t i = 0; i < c->n; i++) {
		struct sim_entry *e = &c->entry[i];

		if (e == seen || e->removed != NEVER || m->write[e->write].ack >= stamp)
			continue;
		e->removed = m->clock;
		e->remover = seen->write;
	}
}

static bool check_sector(struct sim_model *m, uint64_t stamp, uint64_t sector, const uint8_t *buf)
{
	int64_t write = whose(m, sector, buf);
	struct sim_cell c = view(m, sector);
	struct sim_entry *seen = NULL;
	unsigned found = 0;

	for (uint16_t i = 0; i < c.n; i++) {
		if (!matches(m, &c.entry[i], write) || c.entry[i].removed <= stamp)
			continue;
		seen = &c.entry[i];
		found++;
	}
	if (!found) {
		complain(m, "read", sector, buf);
		return false;
	}
	m->write[seen->write].seen |= write >= 0;
	if (found == 1 && c.n > 1 && stamp > m->disturbed)
		observe(m, &c, seen, stamp);
	return true;
}

/* ---- sectors that are torn ---------------------------------------------- */

/* How many bytes from `at` on are this write's. */
static size_t same_from(const struct sim_model *m, uint32_t id, uint64_t sector, const uint8_t *buf,
			size_t at)
{
	const struct sim_write *w = &m->write[id];
	struct stamp s = { STAMP_MAGIC, id, w->kind == SIM_SAME ? w->first : sector, w->writer };
	const uint8_t *bytes = (const uint8_t *)&s;
	size_t i = at;

	if (w->kind == SIM_ZERO)
		s = (struct stamp){ 0 };
	while (i < SIM_MODEL_SECTOR && buf[i] == bytes[i % sizeof(s)])
		i++;
	return i - at;
}

/* What is lent goes to the network in pieces, each as the file is then.  So a sector may
 * have bytes of several writes, if one of them was under way. */
static bool is_torn(struct sim_model *m, uint64_t stamp, uint64_t sector, const uint8_t *buf)
{
	struct sim_cell c = view(m, sector);
	bool beside = false;
	size_t at = 0, most = 1;

	for (uint16_t pieces = 0; at < SIM_MODEL_SECTOR && most && pieces < c.n; pieces++) {
		most = 0;
		for (uint16_t i = 0; i < c.n; i++) {
			size_t n = same_from(m, c.entry[i].write, sector, buf, at);

			if (c.entry[i].removed > stamp && n > most)
				most = n;
			beside |= m->write[c.entry[i].write].end >= stamp;
		}
		at += most;
	}
	return beside && at == SIM_MODEL_SECTOR;
}

static bool check_read(struct sim_model *m, uint64_t stamp, uint64_t sector, const uint8_t *buf)
{
	if (m->reads_tear && whose(m, sector, buf) == -2 && is_torn(m, stamp, sector, buf)) {
		sim_count(m->world, SIM_COVER_TORN_READ);
		return true;
	}
	return check_sector(m, stamp, sector, buf);
}

bool sim_model_read_done(struct sim_model *m, uint64_t stamp, uint32_t reader, uint64_t first,
			 uint32_t count, const uint8_t *buf)
{
	bool ok = true;

	++m->clock;
	sim_note(m->world, SIM_TR_READ_OK, reader, first, count);
	sim_count(m->world, SIM_COVER_READS);
	for (uint32_t i = 0; i < count && ok && stamp > m->settled; i++)
		ok = check_read(m, stamp, first + i, buf + (size_t)i * SIM_MODEL_SECTOR);
	sim_model_read_over(m, stamp);
	return ok;
}

bool sim_model_zero_told(struct sim_model *m, uint64_t stamp, uint32_t reader, uint64_t first,
			 uint64_t count)
{
	static const uint8_t zeroes[SIM_MODEL_SECTOR];

	(void)reader;
	for (uint64_t i = 0; i < count && stamp > m->settled; i++)
		if (!check_sector(m, stamp, first + i, zeroes))
			return false;
	return true;
}

/* ---- COMPARE AND WRITE -------------------------------------------------- */

/* Of two that find the same write, one only may win. */
static bool beat(struct sim_model *m, uint64_t sector, uint64_t stamp, const uint8_t *buf)
{
	int64_t write = whose(m, sector, buf);
	struct sim_cell *c = &m->cell[sector];

	for (uint16_t i = 0; write > 0 && i < c->n; i++) {
		struct sim_entry *e = &c->entry[i];

		if (!matches(m, e, write))
			continue;
		if (e->beaten && stamp > m->disturbed)
			sim_world_fail(m->world,
				       "two COMPARE AND WRITEs have won over write %" PRId64
				       " in sector %" PRIu64,
				       write, sector);
		e->beaten = true;
	}
	return !m->world->failed;
}

bool sim_model_caw_won(struct sim_model *m, uint32_t id, uint64_t stamp, const uint8_t *buf)
{
	const struct sim_write *w = &m->write[id];
	bool ok = true;

	++m->clock;
	sim_count(m->world, SIM_COVER_CAW_WON);
	for (uint32_t i = 0; i < w->count && ok && stamp > m->settled; i++, buf += SIM_MODEL_SECTOR)
		ok = check_sector(m, stamp, w->first + i, buf) && beat(m, w->first + i, stamp, buf);
	return ok;
}

/* Whether nothing but these bytes can have been there; its own entry goes. */
static bool certain(struct sim_model *m, uint64_t sector, uint32_t id, uint64_t stamp,
		    const uint8_t *buf)
{
	int64_t write = whose(m, sector, buf);
	struct sim_cell *c = &m->cell[sector];
	bool others = false;
	uint16_t n = 0;

	for (uint16_t i = 0; i < c->n; i++) {
		const struct sim_entry e = c->entry[i];

		if (e.write == id)
			continue;
		others |= e.removed > stamp && !matches(m, &e, write);
		c->entry[n++] = e;
	}
	c->n = n;
	return !others;
}

bool sim_model_caw_lost(struct sim_model *m, uint32_t id, uint64_t stamp, const uint8_t *buf)
{
	struct sim_write *w = &m->write[id];
	uint32_t same = 0;

	w->end = ++m->clock;
	sim_note(m->world, SIM_TR_FAILED, id, 0, 1);
	sim_count(m->world, SIM_COVER_CAW_LOST);
	for (uint32_t i = 0; i < w->count; i++, buf += SIM_MODEL_SECTOR)
		same += certain(m, w->first + i, id, stamp, buf);
	if (w->seen)
		sim_world_fail(m->world,
			       "write %" PRIu32 " was seen, a COMPARE AND WRITE that did not write",
			       id);
	else if (same == w->count && stamp > m->settled && stamp > m->disturbed)
		sim_world_fail(m->world,
			       "COMPARE AND WRITE %" PRIu32
			       " found something else in sector %" PRIu64
			       " on, where nothing else can have been",
			       id, w->first);
	return !m->world->failed;
}

/* ---- durability --------------------------------------------------------- */

uint64_t sim_model_flush(struct sim_model *m)
{
	return ++m->clock;
}

/* Is the entry older than something that this flush made durable? */
static bool outdone(const struct sim_model *m, const struct sim_cell *c, const struct sim_entry *e,
		    uint64_t stamp)
{
	if (e->removed < stamp && m->write[e->remover].ack < stamp)
		return true;
	for (uint16_t i = 0; i < c->n; i++)
		if (m->write[c->entry[i].write].ack < stamp &&
		    before(m, e->write, c->entry[i].write))
			return true;
	return false;
}

void sim_model_flushed(struct sim_model *m, uint64_t stamp)
{
	++m->clock;
	sim_count(m->world, SIM_COVER_FLUSHES);
	for (uint64_t s = 0; s < m->sectors; s++) {
		struct sim_cell *c = &m->cell[s];

		for (uint16_t i = 0; c->n > 1 && i < c->n; i++)
			c->entry[i].dead = c->entry[i].dead || outdone(m, c, &c->entry[i], stamp);
		if (c->n > 4)
			purge(m, c);
	}
}

void sim_model_disturbed(struct sim_model *m, uint64_t first, uint64_t count)
{
	m->disturbed = ++m->clock;
	for (uint64_t s = first; s < first + count && s < m->sectors; s++)
		for (uint16_t i = 0; i < m->cell[s].n; i++)
			if (!m->cell[s].entry[i].dead) {
				m->cell[s].entry[i].removed = NEVER;
				m->cell[s].entry[i].beaten = false;
			}
}

/* One sector after a power cut: its write stays, alone. */
static bool settle(struct sim_model *m, uint64_t sector, const uint8_t *buf)
{
	int64_t write = whose(m, sector, buf);
	struct sim_cell c = view(m, sector);
	struct sim_entry *seen = NULL;

	for (uint16_t i = 0; i < c.n; i++)
		if (matches(m, &c.entry[i], write) && !c.entry[i].dead)
			seen = &c.entry[i];
	if (!seen) {
		complain(m, "after the power cut", sector, buf);
		return false;
	}
	if (m->cell[sector].n == 0)
		return true;
	m->write[seen->write].kept++;
	for (uint16_t i = 0; i < c.n; i++)
		if (m->write[c.entry[i].write].submit > m->write[seen->write].submit &&
		    c.entry[i].removed == NEVER)
			m->write[c.entry[i].write].gone++;
	c.entry[0] = (struct sim_entry){ .write = seen->write, .removed = NEVER };
	m->cell[sector].n = 1;
	return true;
}

static void count_losses(struct sim_model *m)
{
	for (size_t i = 1; i < m->n_writes; i++) {
		struct sim_write *w = &m->write[i];

		if (w->gone && w->kept)
			sim_count(m->world, SIM_COVER_TORN);
		if (w->gone && w->ack != NEVER)
			sim_count(m->world, SIM_COVER_LOST_WRITE);
		w->gone = w->kept = 0;
	}
}

/* Nothing that is in flight will ever land or be answered. */
static void end_all(struct sim_model *m)
{
	++m->clock;
	for (size_t i = 1; i < m->n_writes; i++)
		if (m->write[i].end == NEVER)
			m->write[i].end = m->clock;
	m->reads_n = 0;
	++m->clock;
}

static bool each_sector(struct sim_model *m, sim_model_peek_fn *peek, void *arg, bool settling)
{
	uint8_t buf[16 * SIM_MODEL_SECTOR];
	bool ok = true;

	for (uint64_t s = 0; s < m->sectors && ok; s += 16) {
		uint32_t n = m->sectors - s < 16 ? (uint32_t)(m->sectors - s) : 16;

		peek(arg, s, n, buf);
		for (uint32_t i = 0; i < n && ok; i++) {
			const uint8_t *sector = buf + (size_t)i * SIM_MODEL_SECTOR;

			ok = settling ? settle(m, s + i, sector)
				      : check_sector(m, m->clock, s + i, sector);
		}
	}
	return ok;
}

bool sim_model_power_cut(struct sim_model *m, sim_model_peek_fn *peek, void *arg)
{
	bool ok;

	end_all(m);
	ok = each_sector(m, peek, arg, true);
	m->settled = m->clock;
	count_losses(m);
	return ok;
}

bool sim_model_killed(struct sim_model *m, sim_model_peek_fn *peek, void *arg)
{
	end_all(m);
	return each_sector(m, peek, arg, false);
}
