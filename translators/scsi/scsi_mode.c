/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_mode.c - MODE SENSE and MODE SELECT, 6 and 10 (SPC-4 6.11 to 6.14), over
 * the pages of scsi_pages.c.
 *
 *   head (4 or 8) │ block descriptor (none, 8 or 16) │ page │ page ...
 */
#include "config.h"

#include "gateway/base/bytes.h"
#include "gateway/base/num.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_gather.h"
#include "translators/scsi/scsi_handlers.h"
#include "translators/scsi/scsi_pages.h"
#include "translators/scsi/scsi_reply.h"
#include "translators/scsi/scsi_row.h"

enum { ALL_PAGES = 0x3f, NO_SUBPAGE = 0x00, ALL_SUBPAGES = 0xff };
enum { DBD = 0x08, LLBAA = 0x10 }; /* MODE SENSE, byte 1 */

static bool is_6(const struct scsi_task *task)
{
	return task->row->cdb_bytes == 6;
}

/* ---- MODE SENSE ---------------------------------------------------------- */

/* SPC-4 7.5.5, SBC-3 6.5.2; the number of blocks as FFFFFFFFh where it is longer */
static void put_descriptor(struct scsi_task *task, struct scsi_data *out, bool is_long)
{
	const struct gw_facts *facts = scsi_unit_facts(task->unit);
	uint64_t blocks = facts->size_bytes / facts->block_bytes;

	if (is_long) {
		scsi_data_put_u64(out, blocks);
		scsi_data_put_u32(out, 0);
	} else {
		scsi_data_put_u32(out, (uint32_t)num_min(blocks, UINT32_MAX));
	}
	scsi_data_put_u32(out, facts->block_bytes); /* density code or reserved: 0 */
}

static void put_pages(struct scsi_task *task, struct scsi_data *out)
{
	uint8_t code = task->cdb[2] & 0x3f, page[SCSI_PAGE_MAX_BYTES];
	enum scsi_page_control control = task->cdb[2] >> 6;

	for (unsigned i = 0; i < scsi_pages_count(); i++)
		if (code == ALL_PAGES || code == scsi_pages_code(i))
			scsi_data_put(out, page, scsi_pages_put(task->unit, i, control, page));
}

static void build(struct scsi_task *task, struct scsi_data *out)
{
	enum { WP = 0x80, DPOFUA = 0x10 };
	bool no_descriptor = task->cdb[1] & DBD, is_long = !is_6(task) && task->cdb[1] & LLBAA;
	uint8_t specific = DPOFUA | (scsi_unit_facts(task->unit)->read_only ? WP : 0);
	uint8_t bytes = no_descriptor ? 0 : is_long ? 16 : 8;

	scsi_data_put_zero(out, is_6(task) ? 2 : 3); /* length, medium type */
	scsi_data_put_u8(out, specific);
	if (is_6(task)) {
		scsi_data_put_u8(out, bytes);
	} else {
		scsi_data_put_u8(out, is_long && bytes);
		scsi_data_put_zero(out, 2);
		scsi_data_put_u8(out, bytes);
	}
	if (bytes)
		put_descriptor(task, out, is_long);
	put_pages(task, out);
	if (is_6(task))
		scsi_data_fix_u8(out, 0, (uint8_t)(out->bytes - 1));
	else
		scsi_data_fix_u16(out, 0, (uint16_t)(out->bytes - 2));
}

void scsi_do_mode_sense(struct scsi_task *task)
{
	uint8_t code = task->cdb[2] & 0x3f, subpage = task->cdb[3];

	if (task->cdb[2] >> 6 == SCSI_PC_SAVED)
		scsi_end_condition(task, SCSI_IS_NO_SAVING);
	else if (code != ALL_PAGES && scsi_pages_find(code) < 0)
		scsi_end_cdb(task, 2, 5);
	else if (subpage != NO_SUBPAGE && subpage != ALL_SUBPAGES)
		scsi_end_cdb(task, 3, 7);
	else
		scsi_reply(task, is_6(task) ? task->cdb[4] : be16_get(task->cdb + 7), build);
}

/* ---- MODE SELECT --------------------------------------------------------- */

#define LIST_MAX_BYTES 512u

/* A parameter list being walked. */
struct list {
	struct scsi_task *task;
	uint8_t bytes[LIST_MAX_BYTES];
	unsigned n, at;
};

static bool too_short(const struct list *list)
{
	scsi_end_condition(list->task, SCSI_IS_BAD_LIST_LENGTH);
	return false;
}

static bool wrong(const struct list *list, unsigned byte, int bit)
{
	scsi_end_list(list->task, byte, bit);
	return false;
}

/* A descriptor that says what is so, or nothing: the format is not ours to change. */
static bool check_descriptor(const struct list *list, bool is_long)
{
	const struct gw_facts *facts = scsi_unit_facts(list->task->unit);
	const uint8_t *wire = list->bytes + list->at;
	uint64_t blocks = is_long ? be64_get(wire) : be32_get(wire);
	uint64_t all = is_long ? UINT64_MAX : UINT32_MAX;
	uint32_t block = is_long ? be32_get(wire + 12) : be24_get(wire + 5);

	if (blocks && blocks != all && blocks != facts->size_bytes / facts->block_bytes)
		return wrong(list, list->at, SCSI_NO_BIT);
	if (block != facts->block_bytes)
		return wrong(list, list->at + (is_long ? 12 : 5), SCSI_NO_BIT);
	return true;
}

/* The head and the block descriptor, if any. */
static bool check_head(struct list *list)
{
	bool six = is_6(list->task), is_long = !six && list->bytes[4] & 1;
	unsigned where = six ? 3 : 6, bytes;

	list->at = six ? 4 : 8;
	if (list->n < list->at)
		return too_short(list);
	bytes = six ? list->bytes[3] : be16_get(list->bytes + 6);
	if (bytes && bytes != (is_long ? 16u : 8u))
		return wrong(list, where, SCSI_NO_BIT);
	if (bytes > list->n - list->at)
		return too_short(list);
	if (bytes && !check_descriptor(list, is_long))
		return false;
	list->at += bytes;
	return true;
}

/* Looks at each page (apply false), or takes it over. */
static bool walk_pages(struct list *list, bool apply)
{
	enum { SPF = 0x40 };
	uint8_t now[SCSI_PAGE_MAX_BYTES];

	for (unsigned at = list->at, bytes; at < list->n; at += bytes) {
		const uint8_t *page = list->bytes + at;
		struct scsi_unit *unit = list->task->unit;
		int i = scsi_pages_find(page[0] & 0x3f), bit, byte;

		if (i < 0 || page[0] & SPF)
			return wrong(list, at, i < 0 ? 5 : 6);
		if (list->n - at < 2)
			return too_short(list);
		bytes = scsi_pages_put(unit, (unsigned)i, SCSI_PC_CURRENT, now);
		if (page[1] != bytes - 2)
			return wrong(list, at + 1, SCSI_NO_BIT);
		if (list->n - at < bytes)
			return too_short(list);
		byte = scsi_pages_refuses(unit, (unsigned)i, page, &bit);
		if (byte >= 0)
			return wrong(list, at + (unsigned)byte, bit);
		if (apply)
			scsi_pages_set(unit, (unsigned)i, page);
	}
	return true;
}

static void list_is_there(struct scsi_task *task)
{
	struct list list = { .task = task, .n = task->gather.bytes };

	gw_mem_copy_out(&task->gather, 0, list.bytes, list.n);
	/* all of it is looked at before any of it is obeyed */
	if (check_head(&list) && walk_pages(&list, false) && walk_pages(&list, true))
		scsi_end(task, SCSI_GOOD);
}

void scsi_do_mode_select(struct scsi_task *task)
{
	enum { PF = 0x10, SP = 0x01 };
	uint32_t bytes = is_6(task) ? task->cdb[4] : be16_get(task->cdb + 7);

	if (task->cdb[1] & SP) /* nothing is saved */
		scsi_end_cdb(task, 1, 0);
	else if (!bytes)
		scsi_end(task, SCSI_GOOD);
	else if (!(task->cdb[1] & PF)) /* another format than that of SPC-4 */
		scsi_end_cdb(task, 1, 4);
	else if (bytes > LIST_MAX_BYTES)
		scsi_end_cdb(task, is_6(task) ? 4 : 7, SCSI_NO_BIT);
	else
		scsi_gather(task, bytes, false, list_is_there);
}
