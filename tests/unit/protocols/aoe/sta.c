/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sta.c - the scripted stations.
 */
#include "config.h"

#include "tests/unit/protocols/aoe/sta.h"

#include <string.h>

#include "gateway/api/out.h"
#include "gateway/base/bytes.h"
#include "tests/harness/harness.h"

#define HEAD 24u
#define ATA_DATA 36u
#define SHORTEST 60u

/* ---- life ------------------------------------------------------------------ */

void sta_mac(unsigned station, uint8_t mac[6])
{
	const uint8_t is[6] = { 2, 0, 0, 1, (uint8_t)(station >> 8), (uint8_t)station };

	memcpy(mac, is, 6);
}

void sta_up(struct sta *s, uint64_t seed, const struct fuzz_stack_cfg *cfg)
{
	struct fuzz_stack_cfg full = *cfg;

	*s = (struct sta){ 0 };
	full.aoe = full.aoe ? full.aoe : 1;
	full.loops = full.loops ? full.loops : 1;
	full.pool_bytes = full.pool_bytes ? full.pool_bytes : GW_POOL_MIN_BYTES;
	full.image_bytes = STA_IMAGE;
	fuzz_stack_up(&s->stack, seed, &full);
	s->stack.host->disk->lend_odds = 0; /* reads are asked of the disk */
	for (unsigned i = 0; i < full.aoe; i++)
		s->iface[i] = sim_ether_find(s->stack.host->ether, sim_daemon_ifaces[i]);
}

void sta_forget(struct sta *s)
{
	while (s->first) {
		struct sta_frame *f = s->first;

		s->first = f->next;
		free(f);
	}
}

void sta_down(struct sta *s)
{
	assert_true(fuzz_stack_down(&s->stack));
	sta_forget(s);
}

void sta_run(struct sta *s, uint64_t for_ns)
{
	fuzz_stack_run(&s->stack, for_ns);
}

/* ---- what comes ------------------------------------------------------------ */

struct ear {
	struct sta *sta;
	unsigned station;
};

static struct ear ears[STA_MAX];

static void came(void *arg, const uint8_t *frame, size_t len)
{
	struct ear *ear = arg;
	struct sta_frame **end = &ear->sta->first, *f = malloc(sizeof(*f) + len);

	assert_non_null(f);
	*f = (struct sta_frame){ .station = ear->station, .len = len };
	memcpy(f->at, frame, len);
	while (*end)
		end = &(*end)->next;
	if (frame[14] & 0x08)
		*end = f;
	else
		free(f); /* what another station asked everybody */
}

static struct sta_frame **find(struct sta *s, uint32_t tag)
{
	struct sta_frame **f = &s->first;

	while (*f && be32_get((*f)->at + 20) != tag)
		f = &(*f)->next;
	return f;
}

struct wish {
	struct sta *sta;
	uint32_t tag;
};

static bool is_here(void *arg)
{
	struct wish *wish = arg;

	return *find(wish->sta, wish->tag);
}

const struct sta_frame *sta_take(struct sta *s, uint32_t tag)
{
	static uint8_t kept[sizeof(struct sta_frame) + 20000];
	struct wish wish = { s, tag };
	struct sta_frame **at, *f;

	if (!sim_host_run_until(s->stack.host, 60 * SIM_S, is_here, &wish))
		fail_msg("no answer with tag %u", tag);
	at = find(s, tag);
	f = *at;
	*at = f->next;
	assert_true(f->len <= 20000);
	memcpy(kept, f, sizeof(*f) + f->len);
	free(f);
	return (const struct sta_frame *)(const void *)kept;
}

unsigned sta_count(const struct sta *s, uint32_t tag)
{
	unsigned n = 0;

	for (const struct sta_frame *f = s->first; f; f = f->next)
		n += be32_get(f->at + 20) == tag;
	return n;
}

/* ---- what goes ------------------------------------------------------------- */

static struct sim_station *station(struct sta *s, unsigned from)
{
	uint8_t mac[6];

	assert_true(from < STA_MAX);
	if (s->station[from])
		return s->station[from];
	sta_mac(from, mac);
	ears[from] = (struct ear){ s, from };
	return s->station[from] = sim_ether_join(s->stack.host->ether, mac, came, &ears[from]);
}

void sta_send(struct sta *s, unsigned from, unsigned iface, uint8_t command, uint32_t tag,
	      const void *arg, size_t n)
{
	static uint8_t f[20000];

	memset(f, 0, SHORTEST);
	memcpy(f, s->iface[iface]->facts.mac, 6);
	sta_mac(from, f + 6);
	be16_put(f + 12, 0x88a2);
	f[14] = 0x10;
	be16_put(f + 16, 1);
	f[18] = 2;
	f[19] = command;
	be32_put(f + 20, tag);
	if (n)
		memcpy(f + HEAD, arg, n);
	sim_ether_station_send(station(s, from), f, HEAD + n < SHORTEST ? SHORTEST : HEAD + n);
}

void sta_ata(struct sta *s, unsigned from, unsigned iface, uint32_t tag, uint8_t op, uint64_t lba,
	     uint8_t count, uint8_t fill)
{
	uint8_t arg[12 + 255 * 512] = { 0x40, 0, count, op };
	bool out = op == STA_WRITE;

	arg[0] |= out;
	for (unsigned i = 0; i < 6; i++)
		arg[4 + i] = (uint8_t)(lba >> 8 * i);
	memset(arg + 12, fill, count * 512u);
	sta_send(s, from, iface, 0, tag, arg, 12 + (out ? count * 512u : 0));
}

void sta_string(struct sta *s, unsigned from, uint32_t tag, uint8_t command, const char *text)
{
	uint8_t arg[8 + 64] = { 0 };
	size_t n = strlen(text);

	assert_true(n <= 64);
	arg[5] = 0x10 | command;
	be16_put(arg + 6, (uint16_t)n);
	memcpy(arg + 8, text, n);
	sta_send(s, from, 0, 1, tag, arg, 8 + n);
}

void sta_mask(struct sta *s, unsigned from, uint32_t tag, uint8_t directive, unsigned first,
	      unsigned n)
{
	uint8_t arg[4 + 8 * 255] = { 0, 1, 0, (uint8_t)n };

	for (unsigned i = 0; i < n; i++) {
		arg[4 + 8 * i + 1] = directive;
		sta_mac(first + i, arg + 4 + 8 * i + 2);
	}
	sta_send(s, from, 0, 2, tag, arg, 4 + 8 * n);
}

void sta_reserve(struct sta *s, unsigned from, uint32_t tag, unsigned first, unsigned n)
{
	uint8_t arg[2 + 6 * 255] = { 1, (uint8_t)n };

	for (unsigned i = 0; i < n; i++)
		sta_mac(first + i, arg + 2 + 6 * i);
	sta_send(s, from, 0, 3, tag, arg, 2 + 6 * n);
}

void sta_expect(struct sta *s, unsigned from, uint32_t tag, uint64_t lba, uint8_t fill)
{
	const struct sta_frame *f;

	sta_ata(s, from, 0, tag, STA_READ, lba, 1, 0);
	f = sta_take(s, tag);
	assert_int_equal(f->at[14], 0x18);
	assert_int_equal(f->at[27], 0x40);
	assert_int_equal(f->len, ATA_DATA + 512);
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(f->at[ATA_DATA + i], fill);
}

/* ---- counters -------------------------------------------------------------- */

struct sum {
	struct gw_out out;
	struct gw_admin_op op;
	const char *name;
	uint64_t sum;
	bool done;
};

static void no_record(struct gw_out *out, const char *kind)
{
}

static void no_text(struct gw_out *out, const char *key, const char *value)
{
}

static void no_truth(struct gw_out *out, const char *key, bool value)
{
}

static void add(struct gw_out *out, const char *key, uint64_t value)
{
	struct sum *sum = (struct sum *)out;

	if (!strcmp(key, sum->name))
		sum->sum += value;
}

static const struct gw_out_ops out_ops = {
	.record = no_record, .text = no_text, .number = add, .truth = no_truth
};

static void listed(struct gw_admin_op *op)
{
	((struct sum *)op->owner)->done = true;
}

static bool is_done(void *arg)
{
	return ((struct sum *)arg)->done;
}

uint64_t sta_counter(struct sta *s, const char *name)
{
	struct sum sum = { .out.ops = &out_ops, .op.done = listed, .name = name };

	sum.op.owner = &sum;
	gw_list_loops(s->stack.daemon.gw, &sum.out, &sum.op);
	assert_true(sim_host_run_until(s->stack.host, 60 * SIM_S, is_done, &sum));
	return sum.sum;
}
