/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_nbdx.c - the command checks: any command under any terms.  What is
 * accepted must lie inside the export and keep to its blocks.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/check.h"
#include "tests/fuzz/fuzz.h"
#include "translators/nbd/nbdx.h"

struct input {
	uint64_t size, offset, length;
	uint32_t caps, agreed;
	uint16_t type, flags;
	uint8_t block, read_only;
};

static void check_accepted(const struct nbdx_terms *terms, const struct nbdx_cmd *cmd,
			   const struct nbdx_plan *plan)
{
	GW_CHECK(cmd->offset <= terms->size_bytes &&
		 cmd->length <= terms->size_bytes - cmd->offset);
	GW_CHECK(!(cmd->offset % terms->min_block_bytes) &&
		 !(cmd->length % terms->min_block_bytes));
	GW_CHECK(plan->nothing == (!cmd->length && cmd->type != NBDX_FLUSH));
	if (plan->op == GW_WRITE || plan->op == GW_READ)
		GW_CHECK(cmd->length <= NBDX_PAYLOAD_MAX_BYTES);
	if (terms->terms & NBDX_READ_ONLY_EXPORT)
		GW_CHECK(plan->op == GW_READ || plan->op == GW_FLUSH || plan->op == GW_PREFETCH ||
			 plan->op == GW_EXTENTS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in;
	struct gw_facts facts = { .optimal_bytes = 4096 };
	struct nbdx_terms terms;
	struct nbdx_cmd cmd;
	struct nbdx_plan plan;

	if (size < sizeof(in))
		return 0;
	memcpy(&in, data, sizeof(in));
	facts.caps = in.caps;
	facts.block_bytes = 512u << in.block % 8;
	terms.size_bytes = in.size & ~(uint64_t)(facts.block_bytes - 1);
	terms.min_block_bytes = facts.block_bytes;
	terms.terms = nbdx_terms_of(&facts, in.read_only & 1, (in.agreed & 7) << 16);
	cmd = (struct nbdx_cmd){ in.type, in.flags, in.offset, in.length };
	if (nbdx_follows(&terms, &cmd) == NBDX_FOLLOWS_DATA)
		GW_CHECK(cmd.length <= NBDX_PAYLOAD_MAX_BYTES);
	if (cmd.type != NBDX_DISC && nbdx_check(&terms, &cmd, &plan) == NBDX_ACCEPTED)
		check_accepted(&terms, &cmd, &plan);
	return 0;
}
