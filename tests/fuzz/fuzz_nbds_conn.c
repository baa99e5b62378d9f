/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_nbds_conn.c - a whole NBD connection: handshake, haggling, transmission,
 * end, over the simulated driver and the real core.
 *
 * Byte 0: bits 0-1 how far the handshake is done for the input (0: not at all;
 * 1 simple, 2 structured, 3 extended replies, with base:allocation), bit 2 two
 * loops, bit 3 few requests in the pool, bit 4 an orderly end, bit 5 the daemon
 * drains while the client is there, bit 6 the disk fails and stalls, bit 7 the
 * client does not read.  Byte 1 seeds how the rest is cut in pieces.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_stack.h"

#define OPTION_MAGIC 0x49484156454f5054ull

static void send_option(struct fuzz_client *c, uint32_t option, const void *data, uint32_t len)
{
	uint8_t head[16];

	be64_put(head, OPTION_MAGIC);
	be32_put(head + 8, option);
	be32_put(head + 12, len);
	fuzz_client_send(c, head, sizeof(head));
	fuzz_client_send(c, data, len);
}

/* Up to transmission, in one go; the answers are looked at by nobody. */
static void shake_hands(struct fuzz_client *c, unsigned kind)
{
	static const uint8_t flags[4] = { 0, 0, 0, 3 };
	static const uint8_t meta[] = { 0,   0,	  0,   0,   0,	 0,   0,   1,	0,
					0,   0,	  15,  'b', 'a', 's', 'e', ':', 'a',
					'l', 'l', 'o', 'c', 'a', 't', 'i', 'o', 'n' };
	static const uint8_t go[6] = { 0 };

	fuzz_client_send(c, flags, sizeof(flags));
	if (kind > 1)
		send_option(c, kind == 2 ? 8 : 11, NULL, 0);
	if (kind > 1)
		send_option(c, 10, meta, sizeof(meta));
	send_option(c, 7, go, sizeof(go));
	fuzz_stack_run(c->stack, 100 * SIM_MS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_stack_cfg cfg = { .loops = 1,
				      .pool_bytes = GW_POOL_MIN_BYTES,
				      .image_bytes = 1 << 20 };
	struct fuzz_stack stack;
	struct fuzz_client client;
	uint8_t how;

	if (size < 2)
		return 0;
	how = data[0];
	cfg.loops = how & 4 ? 2 : 1;
	cfg.requests = how & 8 ? 8 : 0;
	fuzz_stack_up(&stack, data[1] + 1, &cfg);
	fuzz_client_open(&client, &stack);
	if (how & 3)
		shake_hands(&client, how & 3);
	if (how & 64)
		stack.host->disk->faults =
			(struct sim_disk_faults){ 500, 500, 0, 1000, SIM_MS, 100 * SIM_MS };
	if (how & 128 && !client.closed)
		sim_net_pause(client.conn, true);
	fuzz_client_send_cut(&client, data + 2, size - 2, data[1]);
	if (!(how & 32))
		fuzz_stack_run(&stack, 50 * SIM_MS);
	if (!(how & 32))
		fuzz_client_close(&client, how & 16);
	GW_CHECK(fuzz_stack_down(&stack) || how & 64); /* a flush that failed is told */
	client.closed = true; /* with the world that it was in */
	fuzz_client_close(&client, false);
	return 0;
}
