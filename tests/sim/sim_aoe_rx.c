/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_aoe_rx.c - what a simulated AoE client hears, judged by AoEr11 and ACS-3.
 *
 * Every byte of an answer has one right value, or few.  An answer that nobody waits
 * for is none the less judged as far as its header goes: late ones are no less right.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/sim/sim_aoe.h"

#define OFFENCE(a, ...) sim_world_fail((a)->world, "AoE client: " __VA_ARGS__)

static struct sim_aoe_cmd *find(struct sim_aoe *a, uint32_t tag)
{
	for (unsigned i = 0; i < SIM_AOE_DEPTH; i++)
		if (a->cmd[i].used && !a->cmd[i].ending && !a->cmd[i].answered &&
		    a->cmd[i].tag == tag)
			return &a->cmd[i];
	return NULL;
}

/* 2 */
static bool head_is_right(struct sim_aoe *a, const uint8_t *f, size_t len)
{
	bool error = f[SIM_AT_VERSION] & SIM_AOE_IS_ERROR;

	if (len < SIM_AOE_SHORTEST)
		OFFENCE(a, "a frame of %zu bytes", len);
	else if ((f[SIM_AT_VERSION] & ~SIM_AOE_IS_ERROR) != (SIM_AOE_REQUEST | SIM_AOE_IS_REPLY))
		OFFENCE(a, "version and flags %#x", f[SIM_AT_VERSION]);
	else if (error != (f[SIM_AT_ERROR] != 0) || f[SIM_AT_ERROR] > SIM_AOE_RESERVED)
		OFFENCE(a, "flags %#x and error %u", f[SIM_AT_VERSION], f[SIM_AT_ERROR]);
	else if (be16_get(f + SIM_AT_SHELF) != SIM_AOE_SHELF || f[SIM_AT_SLOT] != SIM_AOE_SLOT)
		OFFENCE(a, "an answer from e%u.%u", be16_get(f + SIM_AT_SHELF), f[SIM_AT_SLOT]);
	else
		return true;
	return false;
}

/* 3.2 */
static void heard_query(struct sim_aoe *a, const uint8_t *f, size_t len)
{
	unsigned string = be16_get(f + 30);

	if (f[29] >> 4 != 1 || !f[28] || !be16_get(f + 24))
		OFFENCE(a, "a config answer: version %u, %u sectors, %u buffers", f[29] >> 4, f[28],
			be16_get(f + 24));
	else if (string > 1024 ||
		 (32 + string > SIM_AOE_SHORTEST ? len != 32 + string : len != SIM_AOE_SHORTEST))
		OFFENCE(a, "a config string of %u bytes in a frame of %zu", string, len);
	else
		sim_aoe_found(a, f + SIM_AT_SRC, f[28]);
}

static uint32_t data_of(const struct sim_aoe_cmd *cmd)
{
	if (cmd->kind == SIM_AOE_KIND_READ)
		return cmd->range[0].count * 512;
	return cmd->kind == SIM_AOE_KIND_IDENTIFY ? 512 : 0;
}

/* 3.1, and ACS-3 clause 6 */
static bool ata_is_right(struct sim_aoe *a, struct sim_aoe_cmd *cmd, const uint8_t *f, size_t len)
{
	bool bad = f[27] & (SIM_ATA_FAILED | SIM_ATA_FAULT);
	uint32_t data = bad ? 0 : data_of(cmd);

	if (f[SIM_AT_ERROR])
		return true;
	if (!(f[27] & SIM_ATA_READY) || bad != (f[25] != 0))
		OFFENCE(a, "command %#x: status %#x, error %#x", cmd->op, f[27], f[25]);
	else if (len != (data ? SIM_AT_DATA + data : SIM_AOE_SHORTEST))
		OFFENCE(a, "command %#x of %u sectors is answered with %zu bytes", cmd->op,
			cmd->range[0].count, len);
	else if (f[24] != cmd->flags)
		OFFENCE(a, "command %#x had flags %#x, its answer %#x", cmd->op, cmd->flags, f[24]);
	cmd->status = f[27];
	cmd->in = f + SIM_AT_DATA;
	cmd->in_bytes = data;
	return !a->world->failed;
}

/* 3.3, 3.4: a list, within the frame */
static bool list_is_right(struct sim_aoe *a, struct sim_aoe_cmd *cmd, const uint8_t *f, size_t len)
{
	bool mask = cmd->code == SIM_AOE_MASK;
	size_t at = mask ? 28 : 26, each = mask ? 8 : 6;
	unsigned n = mask ? f[27] : f[25];

	if (mask && f[26])
		n = 0; /* of directives done */
	if (at + each * n > len)
		OFFENCE(a, "a list of %u in a frame of %zu bytes", n, len);
	cmd->in = f + at;
	cmd->in_bytes = (uint32_t)(each * n);
	return at + each * n <= len;
}

static bool is_right(struct sim_aoe *a, struct sim_aoe_cmd *cmd, const uint8_t *f, size_t len)
{
	if (cmd->code != f[SIM_AT_COMMAND]) {
		OFFENCE(a, "an answer to command %u, asked was %u", f[SIM_AT_COMMAND], cmd->code);
		return false;
	}
	cmd->error = f[SIM_AT_ERROR];
	if (cmd->code == SIM_AOE_ATA)
		return ata_is_right(a, cmd, f, len);
	if (cmd->code != SIM_AOE_QUERY)
		return list_is_right(a, cmd, f, len);
	cmd->in = f + 32;
	cmd->in_bytes = be16_get(f + 30);
	return true;
}

static bool lingers(const struct sim_aoe_cmd *cmd)
{
	const struct sim_aoe *a = cmd->aoe;

	return a->cfg.linger_ns && cmd->out_bytes && cmd->code == SIM_AOE_ATA &&
	       (cmd->tries > 1 || a->ether->faults.twice);
}

static void answered(struct sim_aoe *a, struct sim_aoe_cmd *cmd, const uint8_t *f, size_t len)
{
	if (!is_right(a, cmd, f, len))
		return;
	if (a->cfg.resizes && cmd->error == SIM_AOE_BAD_ARGUMENT && cmd->range[0].count > 1) {
		sim_aoe_seek(a);
		sim_aoe_finish(cmd, SIM_AOE_GIVEN_UP);
		return;
	}
	sim_aoe_measure(a, cmd, cmd->tag);
	if (!lingers(cmd)) {
		sim_aoe_finish(cmd, SIM_AOE_ANSWERED);
		return;
	}
	cmd->answered = true;
	sim_world_at(a->world, &cmd->again,
		     (cmd->landed_ns > a->world->now_ns ? cmd->landed_ns : a->world->now_ns) +
			     a->cfg.linger_ns);
}

void sim_aoe_heard(void *arg, const uint8_t *f, size_t len)
{
	struct sim_aoe *a = arg;
	struct sim_aoe_cmd *cmd;
	bool announced;

	if (be16_get(f + SIM_AT_TYPE) != SIM_AOE_TYPE || !(f[SIM_AT_VERSION] & SIM_AOE_IS_REPLY))
		return; /* another client, to everybody */
	if (!head_is_right(a, f, len))
		return;
	announced = f[SIM_AT_DST] & 1;
	if (announced && (f[SIM_AT_COMMAND] != SIM_AOE_QUERY || be32_get(f + SIM_AT_TAG))) {
		OFFENCE(a, "an answer to everybody");
		return;
	}
	if (f[SIM_AT_COMMAND] == SIM_AOE_QUERY && !f[SIM_AT_ERROR])
		heard_query(a, f, len);
	cmd = announced ? NULL : find(a, be32_get(f + SIM_AT_TAG));
	if (cmd) {
		answered(a, cmd, f, len);
	} else if (!announced && f[SIM_AT_COMMAND] == SIM_AOE_ATA) {
		sim_aoe_measure(a, NULL, be32_get(f + SIM_AT_TAG));
		sim_count(a->world, SIM_COVER_AOE_STALE);
	}
}
