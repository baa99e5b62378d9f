/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_ways_test.c - one disk by two interfaces, over the real core and file store in a
 * simulated world: what waited for its turn on one way must not undo what was answered
 * on the other.
 *
 * Frames are written down here from AoEr11 alone.
 */
#include "config.h"

#include <string.h>

#include "gateway/api/frontend.h"
#include "gateway/core/core.h"
#include "gateway/core/registry.h"
#include "tests/fuzz/fuzz_stack.h"
#include "tests/harness/harness.h"
#include "tests/sim/sim_ether.h"

#define SECTOR 512u
#define HEAD 36u
#define IMAGE (8u << 20)
#define REQUESTS 16u /* of the pool */
#define READS 60u /* that are in the way */
#define TAGS 256u

enum { WRITE_EXT = 0x34, READ_EXT = 0x24 };

extern const struct gw_front_ops aoe_front_ops;

static const uint8_t ways[2][6] = { { 2, 0, 0, 0, 0, 1 }, { 2, 0, 0, 0, 0, 2 } };
static const uint8_t client_mac[6] = { 2, 0, 0, 0, 1, 1 };

struct client {
	struct fuzz_stack stack;
	struct sim_station *station;
	bool answered[TAGS];
	uint8_t data[SECTOR]; /* of the last answer that had some */
};

static void answer(void *arg, const uint8_t *frame, size_t len)
{
	struct client *c = arg;

	if (len < HEAD || frame[19]) /* an announcement */
		return;
	assert_int_equal(frame[14], 0x18);
	assert_int_equal(frame[27], 0x40);
	c->answered[frame[23]] = true;
	if (len >= HEAD + SECTOR)
		memcpy(c->data, frame + HEAD, SECTOR);
}

/* nexuses: how many there may be; 0: enough. */
static void up(struct client *c, uint64_t seed, uint32_t nexuses)
{
	static const struct fuzz_stack_cfg cfg = { .loops = 2,
						   .requests = REQUESTS,
						   .image_bytes = IMAGE };
	static const struct gw_setting settings[] = { { "aoe", "eth0:1.2" },
						      { "aoe", "eth1:1.2" } };
	struct gw_err err = GW_ERR_NONE;
	struct sim_ether *ether;
	struct gw *gw;

	*c = (struct client){ 0 };
	fuzz_stack_up(&c->stack, seed, &cfg);
	c->stack.host->disk->lend_odds = 0; /* reads take their time */
	gw = c->stack.daemon.gw;
	if (nexuses)
		gw->limits.nexuses = nexuses;
	ether = c->stack.host->ether;
	gw_registry_add_front(&aoe_front_ops, &err); /* once is enough */
	for (unsigned i = 0; i < 2; i++)
		sim_ether_iface(ether, i ? "eth1" : "eth0", ways[i], 1500);
	c->station = sim_ether_join(ether, client_mac, answer, c);
	assert_int_equal(gw_state_in(gw, "state", &err), 0);
	if (gw_front_add(gw, "aoe", settings, 2, &err))
		fail_msg("%s", err.text);
	gw_front_start_all(gw);
	fuzz_stack_run(&c->stack, 10 * SIM_MS);
}

/* One sector; byte: what a write is full of. */
static void ask(struct client *c, unsigned way, uint8_t tag, uint8_t command, uint8_t lba, int byte)
{
	uint8_t frame[HEAD + SECTOR] = { 0 };
	bool write = command == WRITE_EXT;

	memcpy(frame, ways[way], 6);
	memcpy(frame + 6, client_mac, 6);
	frame[12] = 0x88;
	frame[13] = 0xa2;
	frame[14] = 0x10;
	frame[17] = 1;
	frame[18] = 2;
	frame[23] = tag;
	frame[24] = (uint8_t)(0x40 | write);
	frame[26] = 1;
	frame[27] = command;
	frame[28] = lba;
	memset(frame + HEAD, byte, SECTOR);
	c->answered[tag] = false;
	sim_ether_station_send(c->station, frame, write ? sizeof(frame) : 60);
}

static void wait_for(struct client *c, uint8_t tag)
{
	for (unsigned i = 0; i < 60000 && !c->answered[tag]; i++)
		fuzz_stack_run(&c->stack, SIM_MS);
	assert_true(c->answered[tag]);
}

enum { OLD = 200, OLD_AGAIN, NEW, LOOK };

static void crowd(struct client *c, uint8_t from)
{
	for (unsigned i = 0; i < READS; i++)
		ask(c, 0, (uint8_t)(from + i), READ_EXT, (uint8_t)(100 + i), 0);
}

/* A write waits for a request, for all are taken by what comes the other way; its client
 * gives it up, sends it again by that one under a new tag, as Linux does, is answered,
 * and writes anew. */
static void given_up(void **state)
{
	for (uint64_t seed = 1; seed <= 10; seed++) {
		struct client c;

		up(&c, seed, 0);
		for (unsigned way = 0; way < 2; way++) {
			ask(&c, way, LOOK, READ_EXT, 0, 0);
			wait_for(&c, LOOK);
		}
		c.stack.host->disk->faults =
			(struct sim_disk_faults){ 0, 0, 0, 10000, 500 * SIM_MS, SIM_S };
		crowd(&c, 0);
		fuzz_stack_run(&c.stack, 10 * SIM_MS);
		ask(&c, 1, OLD, WRITE_EXT, 7, 'o');
		fuzz_stack_run(&c.stack, SIM_S);
		ask(&c, 0, OLD_AGAIN, WRITE_EXT, 7, 'o');
		crowd(&c, READS);
		wait_for(&c, OLD_AGAIN);
		ask(&c, 0, NEW, WRITE_EXT, 7, 'n');
		crowd(&c, 2 * READS);
		wait_for(&c, NEW);
		c.stack.host->disk->faults = (struct sim_disk_faults){ 0 };
		fuzz_stack_run(&c.stack, 30 * SIM_S);
		ask(&c, 1, LOOK, READ_EXT, 7, 0);
		wait_for(&c, LOOK);
		assert_int_equal(c.data[0], 'n');
		assert_true(fuzz_stack_down(&c.stack));
	}
}

static bool is_answered(struct client *c, unsigned way, uint8_t tag)
{
	ask(c, way, tag, READ_EXT, 0, 0);
	fuzz_stack_run(&c->stack, SIM_S);
	return c->answered[tag];
}

/* A way for which there was no room at the start is silent: it has no disk of no
 * sectors. */
static void no_room(void **state)
{
	struct client c;

	up(&c, 1, 1);
	c.stack.daemon.gw->limits.nexuses = 100;
	assert_true(is_answered(&c, 0, 1));
	assert_false(is_answered(&c, 1, 2));
	assert_true(fuzz_stack_down(&c.stack));
}

static void removed(struct gw_admin_op *op)
{
	*(bool *)op->owner = true;
}

static struct instant in_s(const struct client *c, unsigned s)
{
	return (struct instant){ (int64_t)(c->stack.host->world->now_ns + s * SIM_S) };
}

/* Commands to a volume that goes away are not answered; none waits for ever. */
static void going_away(void **state)
{
	bool tried = false, over = false;
	struct gw_admin_op volume = { .done = removed, .owner = &tried };
	struct gw_admin_op front = { .done = removed, .owner = &over };
	struct client c;

	up(&c, 1, 0);
	gw_volume_remove(c.stack.daemon.gw, "disk", in_s(&c, 4), &volume);
	for (uint8_t tag = 0; tag < 3; tag++)
		assert_false(is_answered(&c, 0, tag));
	fuzz_stack_run(&c.stack, 2 * SIM_S);
	assert_true(tried); /* too late, for its disks hold it */
	gw_front_remove(c.stack.daemon.gw, "aoe", in_s(&c, 60), &front);
	fuzz_stack_run(&c.stack, SIM_S);
	assert_true(over);
	assert_true(fuzz_stack_down(&c.stack));
}

HARNESS_MAIN(cmocka_unit_test(given_up), cmocka_unit_test(no_room), cmocka_unit_test(going_away))
