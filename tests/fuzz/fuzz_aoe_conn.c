/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_aoe_conn.c - a whole AoE target under frames of any kind, over the simulated
 * Ethernet and the real core.
 *
 * Byte 0: bit 0 two interfaces, bit 1 two loops, bit 2 few requests in the pool, bit 3
 * jumbo frames, bit 4 the daemon drains while frames are coming, bit 5 the disk fails and
 * stalls, bit 6 the network loses, doubles and delays frames, bit 7 logical blocks of
 * 4096 bytes.  Byte 1 seeds the world, and says how much time passes between frames.
 *
 * Then frames: two bytes of length (high one first), one byte of what is done to it, the
 * bytes.  What is done: bits 0-1 which station sends, bit 2 to the second interface, bit
 * 3 as it is (else destination, source, type, version, shelf and slot are put right), bit
 * 4 time passes, bits 5-7 before it: 1 the interface goes down, 2 up, 3 away, 4 comes
 * back, 5 another MTU, 6 a disk operation stalls, 7 a long time passes.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_stack.h"

enum { TWO = 1, LOOPS = 2, FEW = 4, JUMBO = 8, DRAIN = 16, DISK = 32, TROUBLE = 64, BLOCKS = 128 };
enum { TO_SECOND = 4, AS_IS = 8, WAIT = 16 };
enum { STATIONS = 4, HEAD = 20, FRAME_MAX = 20000 };

struct run {
	struct fuzz_stack stack;
	struct sim_iface *iface[SIM_AOE_IFACES];
	struct sim_station *station[STATIONS];
	uint64_t answers;
};

/* Every frame that leaves is an answer of the right type, or word to everybody. */
static void came(void *arg, const uint8_t *frame, size_t len)
{
	struct run *run = arg;

	if (frame[6] != 2 || frame[9])
		return; /* of another station */
	GW_CHECK(len >= 60 && be16_get(frame + 12) == 0x88a2 && (frame[14] & 0xf8) == 0x18);
	GW_CHECK(be16_get(frame + 16) == 1 && frame[18] == 2);
	run->answers++;
}

/* ---- frames ---------------------------------------------------------------- */

static void mend(const struct run *run, uint8_t how, uint8_t *frame)
{
	const struct sim_iface *iface = run->iface[how & TO_SECOND ? 1 : 0];
	uint8_t head[HEAD] = { 0 };

	memcpy(head, iface->facts.mac, 6);
	memcpy(head + 6, run->station[how % STATIONS]->mac, 6);
	be16_put(head + 12, 0x88a2);
	head[14] = 0x10;
	be16_put(head + 16, 1);
	head[18] = 2;
	head[19] = frame[19];
	memcpy(frame, head, HEAD);
}

static void send_frame(struct run *run, uint8_t how, const uint8_t *data, size_t len)
{
	static uint8_t frame[FRAME_MAX];

	memset(frame, 0, 60);
	memcpy(frame, data, len);
	if (how & AS_IS) {
		frame[9] |= 1; /* nobody takes it for the daemon's */
		len = len < DRV_LINK_HEADER ? DRV_LINK_HEADER : len;
	} else {
		mend(run, how, frame);
		len = len < 60 ? 60 : len;
	}
	sim_ether_station_send(run->station[how % STATIONS], frame, len);
}

static void happen(struct run *run, uint8_t how)
{
	struct sim_iface *iface = run->iface[how & TO_SECOND ? 1 : 0];
	const uint8_t mac[6] = { 2, 0, 0, 0, 1, how & TO_SECOND };

	switch (how >> 5) {
	case 1:
		sim_ether_set_up(iface, false);
		break;
	case 2:
		sim_ether_set_up(iface, true);
		break;
	case 3:
		sim_ether_remove(iface);
		break;
	case 4:
		if (!iface->facts.index)
			sim_ether_restore(iface, mac, 1500);
		break;
	case 5:
		if (iface->facts.index)
			sim_ether_set_mtu(iface, how & WAIT ? 4200 : 1500);
		break;
	case 6:
		run->stack.host->disk->stall_next_ns[DRV_WRITE] = SIM_S;
		break;
	case 7:
		fuzz_stack_run(&run->stack, SIM_S);
		break;
	}
}

static void send_all(struct run *run, const uint8_t *data, size_t size, uint8_t pace)
{
	while (size >= 3) {
		size_t len = be16_get(data);
		uint8_t how = data[2];

		data += 3;
		size -= 3;
		len = len < size ? len : size;
		len = len < FRAME_MAX ? len : FRAME_MAX;
		happen(run, how);
		send_frame(run, how, data, len);
		data += len;
		size -= len;
		if (how & WAIT)
			fuzz_stack_run(&run->stack, (1 + pace) * 20 * SIM_US);
	}
}

/* ---- a run ----------------------------------------------------------------- */

static void begin(struct run *run, const uint8_t *data)
{
	struct fuzz_stack_cfg cfg = { .aoe = data[0] & TWO ? 2 : 1,
				      .mtu_bytes = data[0] & JUMBO ? 17000 : 1500,
				      .loops = data[0] & LOOPS ? 2 : 1,
				      .pool_bytes = GW_POOL_MIN_BYTES,
				      .requests = data[0] & FEW ? 8 : 0,
				      .block_bytes = data[0] & BLOCKS ? 4096 : 512,
				      .image_bytes = 1 << 20 };
	struct sim_ether *ether;

	fuzz_stack_up(&run->stack, data[1] + 1, &cfg);
	ether = run->stack.host->ether;
	for (unsigned i = 0; i < SIM_AOE_IFACES; i++)
		run->iface[i] = sim_ether_find(ether, sim_daemon_ifaces[i % cfg.aoe]);
	for (unsigned i = 0; i < STATIONS; i++) {
		const uint8_t mac[6] = { 2, 0, 0, 1, 0, (uint8_t)i };

		run->station[i] = sim_ether_join(ether, mac, came, run);
	}
	if (data[0] & DISK)
		run->stack.host->disk->faults =
			(struct sim_disk_faults){ 500, 500, 0, 1000, SIM_MS, 100 * SIM_MS };
	if (data[0] & TROUBLE)
		ether->faults = (struct sim_ether_faults){ 100, 200, 200 };
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct run run = { 0 };

	if (size < 2)
		return 0;
	begin(&run, data);
	send_all(&run, data + 2, size - 2, data[1]);
	if (!(data[0] & DRAIN))
		fuzz_stack_run(&run.stack, 5 * SIM_S);
	/* a flush that failed is told */
	GW_CHECK(fuzz_stack_down(&run.stack) || data[0] & DISK);
	return 0;
}
