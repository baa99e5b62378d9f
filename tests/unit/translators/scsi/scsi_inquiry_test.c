/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_inquiry_test.c - standard INQUIRY data and every VPD page against bytes
 * written by hand from SPC-4 6.6 and 7.8 and SBC-3 6.6.
 */
#include "config.h"

#include "translators/scsi/scsi_vpd.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "tests/unit/translators/scsi/scsi_rig.h"

static void ask(struct cmd *cmd, struct scsi_rig *rig, bool evpd, uint8_t page, uint16_t room)
{
	uint8_t cdb[6] = { 0x12, evpd, page, 0, 0, 0 };

	be16_put(cdb + 3, room);
	cmd_in(cmd, rig, cdb, 6, room);
}

static void standard(void **state)
{
	static const uint8_t head[8] = { 0x00, 0x00, 0x06, 0x12, 91, 0x00, 0x00, 0x02 };
	static const uint8_t versions[8] = { 0x00, 0xa0, 0x04, 0x60, 0x04, 0xc0, 0x09, 0x60 };
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[6] = { 0x12, 0, 0, 0, 255, 0 };

	scsi_rig_up(&rig, 512);
	ask(&cmd, &rig, false, 0, 255);
	assert_int_equal(cmd.task.status, SCSI_GOOD);
	assert_int_equal(cmd.in_bytes, 96);
	assert_memory_equal(cmd.in, head, 8);
	assert_memory_equal(cmd.in + 8, "SLUICE  VOLUME          ", 24);
	assert_memory_equal(cmd.in + 58, versions, 8);
	for (unsigned i = 66; i < 96; i++)
		assert_int_equal(cmd.in[i], 0);
	cmd_free(&cmd);
	/* no iSCSI where it is none */
	rig.port.protocol = SCSI_PROTO_FCP;
	ask(&cmd, &rig, false, 0, 255);
	assert_int_equal(be16_get(cmd.in + 64), 0);
	cmd_free(&cmd);
	/* a page code without EVPD */
	ask(&cmd, &rig, false, 0x80, 255);
	assert_cdb_field(&cmd, 2, 7);
	/* no logical unit: qualifier 011b, type 1Fh, and no pages but 00h */
	cmd_init(&cmd, &rig, cdb, 6, 255, NULL, 0);
	cmd.task.lun[1] = 9;
	assert_int_equal(cmd_run(&cmd), SCSI_GOOD);
	assert_int_equal(cmd.in[0], 0x7f);
	assert_int_equal(cmd.in_bytes, 96);
	cmd_free(&cmd);
	cdb[1] = 1;
	cmd_init(&cmd, &rig, cdb, 6, 255, NULL, 0);
	cmd.task.lun[1] = 9;
	assert_int_equal(cmd_run(&cmd), SCSI_GOOD);
	assert_int_equal(cmd.in_bytes, 5);
	assert_memory_equal(cmd.in, "\x7f\0\0\1\0", 5);
	cmd_free(&cmd);
	cdb[2] = 0x83;
	cmd_init(&cmd, &rig, cdb, 6, 255, NULL, 0);
	cmd.task.lun[1] = 9;
	cmd_run(&cmd);
	assert_cdb_field(&cmd, 2, 7);
	scsi_rig_down(&rig);
}

static void supported_pages(void **state)
{
	static const uint8_t list[] = { 0, 0, 0, 8, 0, 0x80, 0x83, 0x86, 0x87, 0xb0, 0xb1, 0xb2 };
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	ask(&cmd, &rig, true, 0, 255);
	assert_int_equal(cmd.in_bytes, sizeof(list));
	assert_memory_equal(cmd.in, list, sizeof(list));
	cmd_free(&cmd);
	for (unsigned page = 0; page < 256; page++) {
		ask(&cmd, &rig, true, (uint8_t)page, 1024);
		if (memchr(list + 4, (int)page, 8)) {
			assert_int_equal(cmd.task.status, SCSI_GOOD);
			assert_int_equal(cmd.in[1], page);
			assert_int_equal(be16_get(cmd.in + 2), cmd.in_bytes - 4);
		} else {
			assert_cdb_field(&cmd, 2, 7);
		}
		cmd_free(&cmd);
	}
	scsi_rig_down(&rig);
}

/* Finds a designator of this association and type; its length, or -1. */
static int designator(const struct cmd *cmd, uint8_t second, const uint8_t **found)
{
	for (uint64_t at = 4; at < cmd->in_bytes; at += 4 + cmd->in[at + 3])
		if (cmd->in[at + 1] == second) {
			*found = cmd->in + at;
			return cmd->in[at + 3];
		}
	return -1;
}

static void names(void **state)
{
	static const char device[] = "iqn.2026-01.org.example:t";
	static const char port[] = "iqn.2026-01.org.example:t,t,0x0001";
	const struct gw_identity *id;
	struct scsi_rig rig;
	const uint8_t *d = NULL;
	struct cmd cmd;

	scsi_rig_up(&rig, 512);
	id = gw_volume_identity(rig.core.volume);
	ask(&cmd, &rig, true, 0x80, 255);
	assert_int_equal(cmd.in_bytes, 36);
	assert_memory_equal(cmd.in, "\0\x80\0\x20", 4);
	assert_memory_equal(cmd.in + 4, id->serial, 32);
	cmd_free(&cmd);
	ask(&cmd, &rig, true, 0x83, 1024);
	assert_int_equal(designator(&cmd, 0x03, &d), 8); /* NAA, of the unit */
	assert_int_equal(d[0], 0x01);
	assert_true(be64_get(d + 4) == id->naa && d[4] >> 4 == 3);
	assert_int_equal(designator(&cmd, 0x02, &d), 8); /* EUI-64 */
	assert_memory_equal(d + 4, id->eui64, 8);
	assert_int_equal(designator(&cmd, 0x01, &d), 40); /* T10 vendor ID */
	assert_int_equal(d[0], 0x02);
	assert_memory_equal(d + 4, "SLUICE  ", 8);
	assert_memory_equal(d + 12, id->serial, 32);
	assert_int_equal(designator(&cmd, 0x94, &d), 4); /* relative port, of the port */
	assert_int_equal(d[0], 0x51);
	assert_int_equal(be32_get(d + 4), 1);
	assert_int_equal(designator(&cmd, 0x95, &d), 4);
	assert_int_equal(be32_get(d + 4), 7);
	assert_int_equal(designator(&cmd, 0x98, &d), 36); /* names end with a zero, by fours */
	assert_int_equal(d[0], 0x53);
	assert_string_equal((const char *)d + 4, port);
	assert_int_equal(designator(&cmd, 0xa8, &d), 28);
	assert_string_equal((const char *)d + 4, device);
	cmd_free(&cmd);
	scsi_rig_down(&rig);
}

static void long_names(void **state)
{
	struct scsi_rig rig;
	const uint8_t *d = NULL;
	struct cmd cmd;
	char name[301];

	scsi_rig_up(&rig, 512);
	for (unsigned len = 0; len <= 300; len++) {
		unsigned told = len < 251 ? len : 251;

		memset(name, 'x', len);
		name[len] = 0;
		rig.port.device_name = name;
		ask(&cmd, &rig, true, 0x83, 1024);
		assert_int_equal(cmd.task.status, SCSI_GOOD);
		assert_int_equal(designator(&cmd, 0xa8, &d), len ? (int)(told + 4) / 4 * 4 : -1);
		if (len)
			assert_int_equal(strlen((const char *)d + 4), told);
		cmd_free(&cmd);
	}
	rig.port.device_name = rig.port.port_name = NULL;
	ask(&cmd, &rig, true, 0x83, 1024);
	assert_int_equal(designator(&cmd, 0xa8, &d), -1);
	assert_int_equal(designator(&cmd, 0x98, &d), -1);
	cmd_free(&cmd);
	scsi_rig_down(&rig);
}

static void granular(struct gw_store_info *info)
{
	info->unmap_granularity_bytes = 65536;
	info->optimal_bytes = 65536;
	info->volatile_cache = true;
	info->rotational = true;
}

static void no_unmap(struct gw_store_info *info)
{
	info->can &= ~GW_STORE_CAN(GW_UNMAP);
}

static void pages_of(void (*change)(struct gw_store_info *info), uint32_t block, bool unmap)
{
	struct scsi_rig rig;
	struct cmd cmd;

	scsi_rig_up_with(&rig, block, false, change, false, NULL);
	ask(&cmd, &rig, true, 0x86, 255);
	assert_int_equal(cmd.in_bytes, 64);
	assert_int_equal(cmd.in[4], 0);
	assert_int_equal(cmd.in[5], 0x07);
	assert_int_equal(cmd.in[6], change == granular);
	cmd_free(&cmd);
	ask(&cmd, &rig, true, 0x87, 255);
	assert_int_equal(cmd.in_bytes, 16);
	assert_memory_equal(cmd.in, "\0\x87\0\x0c\x08\0\0\0\x0a\0\x03\0\x1c\0\0\0", 16);
	cmd_free(&cmd);
	ask(&cmd, &rig, true, 0xb0, 255);
	assert_int_equal(cmd.in_bytes, 64);
	assert_int_equal(cmd.in[4], 1); /* WSNZ */
	assert_int_equal(cmd.in[5], 65536 / block > 255 ? 255 : 65536 / block);
	assert_int_equal(be16_get(cmd.in + 6), block > 4096 ? 1 : 4096 / block);
	assert_int_equal(be32_get(cmd.in + 8), 0);
	assert_int_equal(be32_get(cmd.in + 12),
			 change == granular && block < 65536 ? 65536 / block : 0);
	assert_int_equal(be32_get(cmd.in + 20), !unmap	       ? 0
						: block < 4096 ? 1u << 20
							       : (1ull << 32) / block);
	assert_int_equal(be32_get(cmd.in + 24), unmap ? 256 : 0);
	assert_int_equal(be32_get(cmd.in + 28), change == granular ? 65536 / block : 0);
	assert_int_equal(be32_get(cmd.in + 32), change == granular ? 1u << 31 : 0);
	assert_int_equal(be64_get(cmd.in + 36), (1u << 30) / block);
	cmd_free(&cmd);
	ask(&cmd, &rig, true, 0xb1, 255);
	assert_int_equal(cmd.in_bytes, 64);
	assert_int_equal(be16_get(cmd.in + 4), change == granular ? 0 : 1);
	cmd_free(&cmd);
	ask(&cmd, &rig, true, 0xb2, 255);
	assert_int_equal(cmd.in_bytes, 8);
	assert_memory_equal(cmd.in, unmap ? "\0\xb2\0\4\0\xe4\2\0" : "\0\xb2\0\4\0\0\0\0", 8);
	cmd_free(&cmd);
	scsi_rig_down(&rig);
}

static void block_pages(void **state)
{
	pages_of(NULL, 512, true);
	pages_of(NULL, 4096, true);
	pages_of(NULL, 65536, true);
	pages_of(granular, 512, true);
	pages_of(no_unmap, 512, false);
}

HARNESS_MAIN(cmocka_unit_test(standard), cmocka_unit_test(supported_pages), cmocka_unit_test(names),
	     cmocka_unit_test(long_names), cmocka_unit_test(block_pages))
