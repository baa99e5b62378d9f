/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_vpd.c - one function for each page of scsi_vpd.tbl.
 */
#include "config.h"

#include "translators/scsi/scsi_vpd.h"

#include <string.h>

#include "gateway/base/table.h"
#include "translators/scsi/scsi_end.h"
#include "translators/scsi/scsi_limits.h"
#include "translators/scsi/scsi_pages.h"
#include "translators/scsi/scsi_reply.h"

#define NAME_MAX_BYTES 252u /* a designator's length is one byte, a multiple of 4 */

typedef void put_page(struct scsi_task *task, struct scsi_data *out);

static put_page put_supported, put_serial, put_identification, put_extended, put_mode_policy,
	put_limits, put_characteristics, put_provisioning;

static const struct {
	uint8_t code;
	bool any_lun;
	put_page *put;
} pages[] = {
#define PAGE(code, put, any_lun, clause) { code, any_lun, put },
#include "translators/scsi/scsi_vpd.tbl"
#undef PAGE
};

uint8_t scsi_vpd_peripheral(const struct scsi_unit *unit)
{
	return scsi_unit_exists(unit) ? 0x00 : 0x7f;
}

static const struct gw_identity *identity(const struct scsi_task *task)
{
	return gw_volume_identity(gw_itl_volume(task->unit->itl));
}

static void put_supported(struct scsi_task *task, struct scsi_data *out)
{
	for (size_t i = 0; i < TABLE_LEN(pages); i++)
		if (pages[i].any_lun || scsi_unit_exists(task->unit))
			scsi_data_put_u8(out, pages[i].code);
}

static void put_serial(struct scsi_task *task, struct scsi_data *out)
{
	scsi_data_put(out, identity(task)->serial, strlen(identity(task)->serial));
}

/* ---- 83h: designators (SPC-4 7.8.6.2) ------------------------------------ */

enum code_set { BINARY = 1, ASCII = 2, UTF8 = 3 };
enum association { OF_UNIT = 0x00, OF_PORT = 0x10, OF_DEVICE = 0x20 };
enum designator { T10 = 1, EUI64 = 2, NAA = 3, RELATIVE_PORT = 4, PORT_GROUP = 5, NAME = 8 };

static void put_head(struct scsi_task *task, struct scsi_data *out, enum code_set set,
		     enum association of, enum designator type, size_t bytes)
{
	enum { PIV = 0x80 };
	uint8_t protocol = of == OF_UNIT ? 0 : (uint8_t)task->unit->nexus->port->protocol;

	scsi_data_put_u8(out, (uint8_t)(protocol << 4 | set));
	scsi_data_put_u8(out, (uint8_t)((of == OF_UNIT ? 0 : PIV) | of | type));
	scsi_data_put_u8(out, 0);
	scsi_data_put_u8(out, (uint8_t)bytes);
}

/* SPC-4 7.8.6.12: ends with a zero and is padded with zeroes. */
static void put_name(struct scsi_task *task, struct scsi_data *out, enum association of,
		     const char *name)
{
	size_t len = name ? strnlen(name, NAME_MAX_BYTES - 1) : 0;
	size_t padded = (len + 4) & ~(size_t)3;

	if (!len)
		return;
	put_head(task, out, UTF8, of, NAME, padded);
	scsi_data_put(out, name, len);
	scsi_data_put_zero(out, padded - len);
}

static void put_identification(struct scsi_task *task, struct scsi_data *out)
{
	const struct scsi_port *port = task->unit->nexus->port;
	const struct gw_identity *id = identity(task);

	put_head(task, out, BINARY, OF_UNIT, NAA, 8);
	scsi_data_put_u64(out, id->naa);
	put_head(task, out, BINARY, OF_UNIT, EUI64, sizeof(id->eui64));
	scsi_data_put(out, id->eui64, sizeof(id->eui64));
	put_head(task, out, ASCII, OF_UNIT, T10, 8 + strlen(id->serial));
	scsi_data_put_text(out, SCSI_VPD_VENDOR, 8);
	scsi_data_put(out, id->serial, strlen(id->serial));
	put_head(task, out, BINARY, OF_PORT, RELATIVE_PORT, 4);
	scsi_data_put_u32(out, port->relative_id);
	put_head(task, out, BINARY, OF_PORT, PORT_GROUP, 4);
	scsi_data_put_u32(out, port->group);
	put_name(task, out, OF_PORT, port->port_name);
	put_name(task, out, OF_DEVICE, port->device_name);
}

/* ---- the others ---------------------------------------------------------- */

static void put_extended(struct scsi_task *task, struct scsi_data *out)
{
	enum { HEAD_ORDERED_SIMPLE = 0x07, V_SUP = 0x01 };

	scsi_data_put_u8(out, 0); /* no protection information is checked */
	scsi_data_put_u8(out, HEAD_ORDERED_SIMPLE);
	scsi_data_put_u8(out, scsi_unit_facts(task->unit)->write_cache ? V_SUP : 0);
	scsi_data_put_zero(out, 57);
}

/* Each I_T nexus has a control mode page of its own; the others are shared. */
static void put_mode_policy(struct scsi_task *task, struct scsi_data *out)
{
	(void)task;
	for (unsigned i = 0; i < scsi_pages_count(); i++) {
		scsi_data_put_u8(out, scsi_pages_code(i));
		scsi_data_put_u8(out, 0);
		scsi_data_put_u8(out, (uint8_t)scsi_pages_policy(i));
		scsi_data_put_u8(out, 0);
	}
}

static void put_limits(struct scsi_task *task, struct scsi_data *out)
{
	enum { WSNZ = 0x01 };
	const struct gw_facts *facts = scsi_unit_facts(task->unit);
	struct scsi_limits limits = scsi_limits_of(facts);
	bool unmap = facts->caps & GW_CAP_UNMAP;

	scsi_data_put_u8(out, WSNZ);
	scsi_data_put_u8(out, (uint8_t)limits.caw_blocks);
	scsi_data_put_u16(out, limits.unit_blocks);
	scsi_data_put_u32(out, 0); /* maximum transfer: any, it runs in pieces */
	scsi_data_put_u32(out, limits.optimal_blocks);
	scsi_data_put_u32(out, 0); /* maximum prefetch: any */
	scsi_data_put_u32(out, unmap ? limits.unmap_blocks : 0);
	scsi_data_put_u32(out, unmap ? SCSI_UNMAP_DESCRIPTORS_MAX : 0);
	scsi_data_put_u32(out, unmap ? limits.granularity_blocks : 0);
	/* UGAVALID with an alignment of 0, where there is a granularity */
	scsi_data_put_u32(out, unmap && limits.granularity_blocks ? 1u << 31 : 0);
	scsi_data_put_u64(out, limits.same_blocks);
	scsi_data_put_zero(out, 20); /* no WRITE ATOMIC */
}

static void put_characteristics(struct scsi_task *task, struct scsi_data *out)
{
	enum { NOT_REPORTED = 0x0000, NON_ROTATING = 0x0001 };
	bool turns = scsi_unit_facts(task->unit)->caps & GW_CAP_ROTATIONAL;

	scsi_data_put_u16(out, turns ? NOT_REPORTED : NON_ROTATING);
	scsi_data_put_zero(out, 58);
}

static void put_provisioning(struct scsi_task *task, struct scsi_data *out)
{
	enum { LBPU = 0x80, LBPWS = 0x40, LBPWS10 = 0x20, LBPRZ = 0x04, FULL = 0, THIN = 2 };
	bool unmap = scsi_unit_facts(task->unit)->caps & GW_CAP_UNMAP;

	scsi_data_put_u8(out, 0); /* no threshold */
	scsi_data_put_u8(out, unmap ? LBPU | LBPWS | LBPWS10 | LBPRZ : 0);
	scsi_data_put_u8(out, unmap ? THIN : FULL);
	scsi_data_put_u8(out, 0);
}

static int find(const struct scsi_unit *unit, uint8_t code)
{
	for (size_t i = 0; i < TABLE_LEN(pages); i++)
		if (pages[i].code == code && (pages[i].any_lun || scsi_unit_exists(unit)))
			return (int)i;
	return -1;
}

/* The head of every page: type, code, length (SPC-4 7.8.1). */
static void build(struct scsi_task *task, struct scsi_data *out)
{
	const uint8_t code = task->cdb[2];

	scsi_data_put_u8(out, scsi_vpd_peripheral(task->unit));
	scsi_data_put_u8(out, code);
	scsi_data_put_u16(out, 0);
	pages[find(task->unit, code)].put(task, out);
	scsi_data_fix_u16(out, 2, (uint16_t)(out->bytes - 4));
}

void scsi_vpd(struct scsi_task *task, uint8_t page, uint16_t allocation_bytes)
{
	if (find(task->unit, page) < 0)
		scsi_end_cdb(task, 2, 7);
	else
		scsi_reply(task, allocation_bytes, build);
}
