/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_ata.c - any task file with any payload on any disk.  What becomes a request
 * must lie on the disk and fit the frame; what does not must say so in registers.
 *
 * Input: struct input, then the payload as far as it goes.
 */
#include "config.h"

#include <string.h>

#include "gateway/base/check.h"
#include "tests/fuzz/fuzz.h"
#include "translators/ata/ata_dispatch.h"
#include "translators/ata/ata_page.h"
#include "translators/ata/ata_trim.h"

struct input {
	uint64_t size, lba;
	uint32_t room, bytes_done;
	uint8_t command, feature, sectors, aflags, block, facts, status, spare;
};

enum { AFLAG_E = 0x40, AFLAG_W = 0x01 };
enum { READ_ONLY = 1, WRITE_THROUGH = 2, WRITE_CACHE = 4, UNMAP = 8, ROTATIONAL = 16 };

static struct ata_terms terms_of(const struct input *in)
{
	static const struct gw_identity identity = { .naa = 0x3000000000000001ull,
						     .serial = "00112233445566778899aabbccddeeff" };
	struct gw_facts facts = { .size_bytes = in->size,
				  .block_bytes = 512u << in->block % 8,
				  .write_cache = in->facts & WRITE_CACHE,
				  .caps = (in->facts & UNMAP ? GW_CAP_UNMAP : 0) |
					  (in->facts & ROTATIONAL ? GW_CAP_ROTATIONAL : 0) };

	return ata_terms_of(&facts, &identity, in->facts & READ_ONLY, in->facts & WRITE_THROUGH);
}

static void check_on_disk(const struct ata_terms *terms, uint64_t offset, uint64_t length)
{
	uint64_t size = terms->sectors * ATA_SECTOR_BYTES;

	GW_CHECK(length && !(offset % ATA_SECTOR_BYTES) && !(length % ATA_SECTOR_BYTES));
	GW_CHECK(offset < size && length <= size - offset);
}

static void check_request(const struct ata_terms *terms, const struct ata_cmd *cmd,
			  const struct ata_plan *plan)
{
	GW_CHECK(plan->op == GW_READ || plan->op == GW_WRITE || plan->op == GW_FLUSH);
	if (plan->op == GW_FLUSH)
		GW_CHECK(!plan->offset && !plan->length);
	else
		check_on_disk(terms, plan->offset, plan->length);
	if (plan->op == GW_WRITE) {
		GW_CHECK(cmd->write && !terms->read_only && plan->length <= cmd->payload_bytes);
		GW_CHECK(!terms->write_through || (plan->flags & GW_FUA));
	}
	GW_CHECK(!plan->reply_bytes || plan->reply_bytes == plan->length);
}

static void check_trim(const struct ata_terms *terms, const struct ata_cmd *cmd,
		       const struct ata_plan *plan)
{
	struct ata_trim trim = ata_trim_begin(cmd);
	uint64_t offset, length;
	unsigned n = 0;

	GW_CHECK(plan->op == GW_UNMAP && terms->trim && !terms->read_only);
	for (; ata_trim_next(&trim, &offset, &length); n++)
		check_on_disk(terms, offset, length);
	GW_CHECK(n && n <= cmd->payload_bytes / 8);
}

static void check_page(const struct ata_terms *terms, const struct ata_cmd *cmd,
		       const struct ata_plan *plan)
{
	uint8_t out[ATA_PAGE_BYTES], sum = 0;

	GW_CHECK(plan->reply_bytes == sizeof(out));
	ata_page_build(plan->page, terms, cmd->room_bytes, out);
	for (unsigned i = 0; i < sizeof(out); i++)
		sum = (uint8_t)(sum + out[i]);
	GW_CHECK(!sum);
}

/* Linux takes these bits for a failure: BSY, DF, DRQ, ERR. */
static bool is_failure(const struct ata_regs *regs)
{
	return regs->status & 0xa9;
}

static void run(const struct ata_terms *terms, const struct ata_cmd *cmd, const struct input *in)
{
	struct ata_plan plan;
	struct ata_regs end;
	enum ata_act act = ata_dispatch(terms, cmd, &plan);

	GW_CHECK(plan.reply_bytes <= cmd->room_bytes && plan.regs.lba <= ATA_LBA48_SECTORS);
	GW_CHECK(act <= ATA_ANSWER || act == ATA_ARGUMENT || !is_failure(&plan.regs));
	if (act == ATA_PAGE)
		check_page(terms, cmd, &plan);
	if (act == ATA_REQUEST)
		check_request(terms, cmd, &plan);
	if (act == ATA_TRIM)
		check_trim(terms, cmd, &plan);
	if (act != ATA_REQUEST && act != ATA_TRIM)
		return;
	end = ata_end(cmd, &plan, (enum gw_status)in->status,
		      plan.length ? in->bytes_done % plan.length : 0);
	GW_CHECK(is_failure(&end) == (in->status != GW_OK) && end.lba <= ATA_LBA48_SECTORS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ata_terms terms;
	struct ata_cmd cmd;
	struct input in;

	if (size < sizeof(in))
		return 0;
	memcpy(&in, data, sizeof(in));
	terms = terms_of(&in);
	cmd = (struct ata_cmd){ .command = in.command,
				.feature = in.feature,
				.sectors = in.sectors,
				.extended = in.aflags & AFLAG_E,
				.write = in.aflags & AFLAG_W,
				.lba = in.lba & ATA_LBA48_SECTORS,
				.payload = data + sizeof(in),
				.payload_bytes = (uint32_t)(size - sizeof(in)),
				.room_bytes = in.room };
	run(&terms, &cmd, &in);
	GW_CHECK(ata_dispatch_name(in.command)[0] &&
		 ata_dispatch_class(in.command) < GW_RSV_CLASS_COUNT);
	return 0;
}
