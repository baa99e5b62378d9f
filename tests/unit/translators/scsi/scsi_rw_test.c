/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_rw_test.c - transfers of every family and length: in pieces, with memory
 * and requests refused, short and long of what the initiator expects, failing.
 */
#include "config.h"

#include "translators/scsi/scsi_rw.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/table.h"
#include "tests/unit/translators/scsi/scsi_rig.h"

static uint8_t pattern[DISK_BYTES];

static void make_pattern(struct scsi_rig *rig)
{
	for (uint32_t i = 0; i < DISK_BYTES; i++)
		pattern[i] = (uint8_t)(i * 31 ^ i >> 9);
	memcpy(rig->fake->bytes, pattern, DISK_BYTES);
	memset(rig->fake->hole, 0, DISK_BYTES / FAKE_UNIT);
}

static unsigned rw_cdb(uint8_t *cdb, uint8_t opcode, uint8_t flags, uint64_t lba, uint32_t blocks)
{
	memset(cdb, 0, 16);
	cdb[0] = opcode;
	cdb[1] = flags;
	switch (opcode >> 5) {
	case 0:
		be24_put(cdb + 1, (uint32_t)lba);
		cdb[4] = (uint8_t)blocks;
		return 6;
	case 1:
		be32_put(cdb + 2, (uint32_t)lba);
		be16_put(cdb + 7, (uint16_t)blocks);
		return 10;
	case 4:
		be64_put(cdb + 2, lba);
		be32_put(cdb + 10, blocks);
		return 16;
	default:
		be32_put(cdb + 2, (uint32_t)lba);
		be32_put(cdb + 6, blocks);
		return 12;
	}
}

static const uint8_t reads[] = { 0x08, 0x28, 0xa8, 0x88 };
static const uint8_t writes[] = { 0x0a, 0x2a, 0xaa, 0x8a, 0x2e, 0xae, 0x8e };
static const uint8_t verifies[] = { 0x2f, 0xaf, 0x8f };

static void reads_all(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 7, 128, 255 };
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	make_pattern(&rig);
	for (unsigned i = 0; i < TABLE_LEN(reads); i++)
		for (unsigned j = 0; j < TABLE_LEN(sizes); j++) {
			unsigned n = rw_cdb(cdb, reads[i], 0, 11, sizes[j]);

			assert_int_equal(cmd_in(&cmd, &rig, cdb, n, sizes[j] * 512), SCSI_GOOD);
			assert_int_equal(cmd.in_bytes, sizes[j] * 512);
			assert_int_equal(cmd.task.in_bytes, sizes[j] * 512);
			assert_memory_equal(cmd.in, pattern + 11 * 512, cmd.in_bytes);
			cmd_free(&cmd);
		}
	/* READ(6) of length 0 is 256 blocks */
	assert_int_equal(cmd_in(&cmd, &rig, cdb, rw_cdb(cdb, 0x08, 0, 3, 0), 256 * 512), SCSI_GOOD);
	assert_int_equal(cmd.in_bytes, 256 * 512);
	cmd_free(&cmd);
	/* the others: nothing, no error */
	assert_int_equal(cmd_in(&cmd, &rig, cdb, rw_cdb(cdb, 0x88, 0, 3, 0), 512), SCSI_GOOD);
	assert_int_equal(cmd.in_bytes, 0);
	scsi_rig_down(&rig);
}

/* Where the transport only sends it, the store's own bytes go; a VERIFY sends nothing,
 * so it would not be seen that they are not there. */
static void reads_are_lent(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	make_pattern(&rig);
	rig.fake->lends = true;
	for (int lend = 0; lend < 2; lend++) {
		cmd_init(&cmd, &rig, cdb, rw_cdb(cdb, 0x88, 0, 3, 5000), 5000 * 512 - 100, NULL, 0);
		cmd.task.lend = lend;
		assert_int_equal(cmd_run(&cmd), SCSI_GOOD);
		assert_int_equal(cmd.in_bytes, 5000 * 512 - 100);
		assert_memory_equal(cmd.in, pattern + 3 * 512, cmd.in_bytes);
		cmd_free(&cmd);
		assert_int_equal(rig.fake->lent, lend ? 3 : 0);
		assert_int_equal(rig.fake->backs, rig.fake->lent);
		assert_int_equal(rig.fake->count[GW_READ], 3);
	}
	for (unsigned i = 0; i < 2; i++) { /* for whose end others wait */
		cmd_init(&cmd, &rig, cdb, rw_cdb(cdb, 0x28, 0, 3, 8), 8 * 512, NULL, 0);
		cmd.task.lend = true;
		cmd.task.attr = i ? SCSI_ORDERED : SCSI_HEAD_OF_QUEUE;
		assert_int_equal(cmd_run(&cmd), SCSI_GOOD);
		cmd_free(&cmd);
		assert_int_equal(rig.fake->lent, 3);
	}
	cmd_init(&cmd, &rig, cdb, rw_cdb(cdb, 0x8f, 0, 3, 5000), 0, NULL, 0);
	cmd.task.lend = true;
	rig.fake->fail_at = rig.fake->submitted + 2;
	rig.fake->fail_with = GW_MEDIUM_ERROR;
	cmd_run(&cmd);
	assert_condition(&cmd, SCSI_IS_READ_ERROR);
	cmd_free(&cmd);
	assert_int_equal(rig.fake->lent, 3);
	scsi_rig_down(&rig);
}

/* The whole disk in one command: in pieces, in order, however they come back,
 * however little memory there is. */
static void reads_in_pieces(void **state)
{
	static const enum fake_when whens[] = { FAKE_INSIDE, FAKE_LATER, FAKE_MIXED };
	static const uint32_t maxima[] = { 0, 65536, 70000, 300000 };
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	make_pattern(&rig);
	for (unsigned w = 0; w < TABLE_LEN(whens); w++)
		for (unsigned m = 0; m < TABLE_LEN(maxima); m++)
			for (unsigned refuse = 0; refuse < 5; refuse++) {
				unsigned n = rw_cdb(cdb, 0x88, 0, 0, DISK_BYTES / 512);

				rig.fake->when = whens[w];
				rig.memory_max = maxima[m];
				rig.refuse = refuse;
				assert_int_equal(cmd_in(&cmd, &rig, cdb, n, DISK_BYTES), SCSI_GOOD);
				assert_int_equal(cmd.in_bytes, DISK_BYTES);
				assert_memory_equal(cmd.in, pattern, DISK_BYTES);
				cmd_free(&cmd);
			}
	scsi_rig_down(&rig);
}

/* Pieces that come back in the opposite order are sent in the right one. */
static void reads_backwards(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 4096);
	make_pattern(&rig);
	rig.fake->when = FAKE_HELD;
	rig.memory_max = 65536;
	cmd_init(&cmd, &rig, cdb, rw_cdb(cdb, 0x28, 0, 5, 64), 64 * 4096, NULL, 0);
	memcpy(cmd.task.cdb, cdb, 16);
	cmd_start(&cmd);
	rig_settle(&rig.core);
	assert_int_equal(rig.fake->n_held, SCSI_PIECES_MAX);
	while (rig.fake->n_held > 1) {
		struct fake_io *last = TAILQ_LAST(&rig.fake->held, fake_list);

		rig_unhold_one(&rig.core, rig.fake, last, GW_OK);
		rig_settle(&rig.core);
		assert_int_equal(cmd.sends, 0);
	}
	rig_unhold(&rig.core, rig.fake);
	cmd_settle(&cmd);
	assert_int_equal(cmd.task.status, SCSI_GOOD);
	assert_memory_equal(cmd.in, pattern + 5 * 4096, 64 * 4096);
	cmd_free(&cmd);
	scsi_rig_down(&rig);
}

/* What the initiator expects against what the command says (RFC 7143 11.4.5). */
static void read_residuals(void **state)
{
	static const uint32_t expected[] = { 0, 1, 200, 511, 512, 513, 1024, 10000 };
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	make_pattern(&rig);
	for (unsigned i = 0; i < TABLE_LEN(expected); i++) {
		uint32_t sent = expected[i] < 1024 ? expected[i] : 1024;

		assert_int_equal(cmd_in(&cmd, &rig, cdb, rw_cdb(cdb, 0x28, 0, 1, 2), expected[i]),
				 SCSI_GOOD);
		assert_int_equal(cmd.task.in_bytes, 1024);
		assert_int_equal(cmd.in_bytes, sent);
		if (sent)
			assert_memory_equal(cmd.in, pattern + 512, sent);
		cmd_free(&cmd);
	}
	scsi_rig_down(&rig);
}

/* Less than is read, over several pieces. */
static void read_residuals_of_pieces(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	make_pattern(&rig);
	rig.memory_max = 65536;
	for (uint32_t expected = 1; expected < 5 * 65536; expected += 17001) {
		assert_int_equal(cmd_in(&cmd, &rig, cdb, rw_cdb(cdb, 0x88, 0, 1, 1024), expected),
				 SCSI_GOOD);
		assert_int_equal(cmd.task.in_bytes, 1024 * 512);
		assert_int_equal(cmd.in_bytes, expected);
		assert_memory_equal(cmd.in, pattern + 512, expected);
		cmd_free(&cmd);
	}
	scsi_rig_down(&rig);
}

static void writes_all(void **state)
{
	static const uint32_t sizes[] = { 1, 2, 7, 128, 255 };
	static const uint32_t pieces[] = { 0, 512, 4096, 65536 };
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	make_pattern(&rig);
	for (unsigned i = 0; i < TABLE_LEN(writes); i++)
		for (unsigned j = 0; j < TABLE_LEN(sizes); j++) {
			unsigned n = rw_cdb(cdb, writes[i], 0, 9, sizes[j]);

			rig.piece_bytes = pieces[(i + j) % TABLE_LEN(pieces)];
			if (writes[i] >> 4 == 0xe >> 4 && sizes[j] > 7)
				rig.piece_bytes = 65536;
			memset(rig.fake->bytes, 0xee, DISK_BYTES);
			assert_int_equal(cmd_out(&cmd, &rig, cdb, n, pattern, sizes[j] * 512),
					 SCSI_GOOD);
			assert_int_equal(cmd.task.out_bytes, sizes[j] * 512);
			assert_memory_equal(rig.fake->bytes + 9 * 512, pattern, sizes[j] * 512);
			assert_int_equal(rig.fake->bytes[9 * 512 - 1], 0xee);
			assert_int_equal(rig.fake->bytes[(9 + sizes[j]) * 512], 0xee);
		}
	scsi_rig_down(&rig);
}

static void write_residuals(void **state)
{
	static const struct {
		uint32_t expected, written;
		uint8_t status;
	} cases[] = {
		{ 0, 0, SCSI_GOOD },	   { 200, 0, SCSI_CHECK_CONDITION },
		{ 512, 512, SCSI_GOOD },   { 700, 0, SCSI_CHECK_CONDITION },
		{ 1024, 1024, SCSI_GOOD }, { 10000, 1024, SCSI_GOOD },
	};
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	make_pattern(&rig);
	for (unsigned i = 0; i < TABLE_LEN(cases); i++) {
		memset(rig.fake->bytes, 0xee, 8192);
		assert_int_equal(cmd_out(&cmd, &rig, cdb, rw_cdb(cdb, 0x2a, 0, 0, 2), pattern,
					 cases[i].expected),
				 cases[i].status);
		assert_int_equal(cmd.task.out_bytes, 1024);
		if (cases[i].written)
			assert_memory_equal(rig.fake->bytes, pattern, cases[i].written);
		assert_int_equal(rig.fake->bytes[cases[i].written], 0xee);
		if (cases[i].status)
			assert_condition(&cmd, SCSI_IS_BAD_INFORMATION_UNIT);
	}
	scsi_rig_down(&rig);
}

static void fua_reaches_the_store(void **state)
{
	static const uint8_t with_fua[] = { 0x2a, 0xaa, 0x8a };
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	for (unsigned fua = 0; fua < 2; fua++)
		for (unsigned i = 0; i < TABLE_LEN(with_fua); i++) {
			unsigned n = rw_cdb(cdb, with_fua[i], fua ? 0x08 : 0, 4, 1);

			scsi_rig_up(&rig, 512);
			rig.fake->info.volatile_cache = true; /* known from the next refresh on */
			assert_int_equal(rig_refresh(&rig.core, "disk"), 0);
			scsi_rig_unit(&rig)->attentions = 0;
			make_pattern(&rig);
			assert_int_equal(cmd_out(&cmd, &rig, cdb, n, pattern, 512), SCSI_GOOD);
			assert_int_equal(!memcmp(rig.fake->durable + 4 * 512, pattern, 512), fua);
			scsi_rig_down(&rig);
		}
}

static void verifies_all(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	make_pattern(&rig);
	for (unsigned i = 0; i < TABLE_LEN(verifies); i++) {
		uint64_t before = rig.fake->count[GW_READ];

		/* BYTCHK 00b reads, and brings nothing */
		assert_int_equal(cmd_none(&cmd, &rig, cdb, rw_cdb(cdb, verifies[i], 0, 2, 300)),
				 SCSI_GOOD);
		assert_true(rig.fake->count[GW_READ] > before);
		assert_int_equal(cmd.in_bytes, 0);
		assert_int_equal(cmd.task.in_bytes, 0);
		rig.fake->fail_at = rig.fake->submitted + 1;
		rig.fake->fail_with = GW_MEDIUM_ERROR;
		cmd_none(&cmd, &rig, cdb, rw_cdb(cdb, verifies[i], 0, 2, 300));
		assert_condition(&cmd, SCSI_IS_READ_ERROR);
		assert_int_equal(cmd_information(&cmd), 2);
		/* 01b compares */
		assert_int_equal(cmd_out(&cmd, &rig, cdb, rw_cdb(cdb, verifies[i], 2, 2, 300),
					 pattern + 1024, 300 * 512),
				 SCSI_GOOD);
		rig.fake->bytes[1024 + 299 * 512] ^= 1;
		cmd_out(&cmd, &rig, cdb, rw_cdb(cdb, verifies[i], 2, 2, 300), pattern + 1024,
			300 * 512);
		assert_condition(&cmd, SCSI_IS_MISCOMPARE);
		rig.fake->bytes[1024 + 299 * 512] ^= 1;
		/* 10b is reserved */
		cmd_none(&cmd, &rig, cdb, rw_cdb(cdb, verifies[i], 4, 2, 1));
		assert_cdb_field(&cmd, 1, 2);
		/* 11b: one block against all */
		memset(rig.fake->bytes, 0x5a, DISK_BYTES);
		memset(cdb, 0x5a, 1);
		{
			uint8_t block[512];

			memset(block, 0x5a, sizeof(block));
			assert_int_equal(cmd_out(&cmd, &rig, cdb,
						 rw_cdb(cdb, verifies[i], 6, 2, 4000), block, 512),
					 SCSI_GOOD);
			rig.fake->bytes[4001 * 512 + 17] = 0;
			cmd_out(&cmd, &rig, cdb, rw_cdb(cdb, verifies[i], 6, 2, 4000), block, 512);
			assert_condition(&cmd, SCSI_IS_MISCOMPARE);
			assert_int_equal(cmd_out(&cmd, &rig, cdb, rw_cdb(cdb, verifies[i], 6, 2, 0),
						 block, 512),
					 SCSI_GOOD);
		}
		make_pattern(&rig);
	}
	scsi_rig_down(&rig);
}

/* A medium that keeps something else than was written. */
static enum fake_when corrupt(struct fake_store *fake, struct fake_io *fio)
{
	if (fio->io->op == GW_READ)
		fake->bytes[fio->io->offset] ^= 1;
	return FAKE_INSIDE;
}

static void write_and_verify_finds_it(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	make_pattern(&rig);
	for (unsigned bytchk = 0; bytchk < 2; bytchk++)
		for (unsigned i = 4; i < TABLE_LEN(writes); i++) {
			rig.fake->decide = corrupt;
			cmd_out(&cmd, &rig, cdb,
				rw_cdb(cdb, writes[i], (uint8_t)(bytchk << 1), 2, 5), pattern,
				5 * 512);
			assert_condition(&cmd, SCSI_IS_MISCOMPARE);
			rig.fake->decide = NULL;
			cmd_out(&cmd, &rig, cdb, rw_cdb(cdb, writes[i], 4, 2, 5), pattern, 5 * 512);
			assert_cdb_field(&cmd, 1, 2);
		}
	scsi_rig_down(&rig);
}

static void medium_errors(void **state)
{
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up(&rig, 512);
	make_pattern(&rig);
	rig.memory_max = 65536;
	for (unsigned k = 1; k <= 8; k++) {
		/* the k-th of eight pieces of 128 blocks; what lies before is sent */
		rig.fake->fail_at = rig.fake->submitted + k;
		rig.fake->fail_with = GW_MEDIUM_ERROR;
		cmd_in(&cmd, &rig, cdb, rw_cdb(cdb, 0x28, 0, 64, 1024), 1024 * 512);
		assert_condition(&cmd, SCSI_IS_READ_ERROR);
		assert_int_equal(cmd_information(&cmd), 64 + (k - 1) * 128);
		assert_int_equal(cmd.in_bytes, (k - 1) * 65536);
		if (k > 1)
			assert_memory_equal(cmd.in, pattern + 64 * 512, cmd.in_bytes);
		cmd_free(&cmd);
	}
	rig.piece_bytes = 65536;
	rig.fake->fail_at = rig.fake->submitted + 3;
	cmd_out(&cmd, &rig, cdb, rw_cdb(cdb, 0x2a, 0, 64, 1024), pattern, 1024 * 512);
	assert_condition(&cmd, SCSI_IS_WRITE_ERROR);
	assert_int_equal(cmd_information(&cmd), 64 + 2 * 128);
	scsi_rig_down(&rig);
}

/* Of two failures the one nearer to the beginning is told, whichever comes first. */
static void the_first_failure(void **state)
{
	for (unsigned order = 0; order < 2; order++) {
		struct fake_io *first, *second;
		struct scsi_rig rig;
		struct cmd cmd;
		uint8_t cdb[16];

		scsi_rig_up(&rig, 512);
		rig.fake->when = FAKE_HELD;
		rig.piece_bytes = 65536;
		cmd_init(&cmd, &rig, cdb, 0, 0, pattern, 2 * 65536);
		rw_cdb(cmd.task.cdb, 0x2a, 0, 128, 256);
		cmd_start(&cmd);
		rig_settle(&rig.core);
		first = fake_store_find(rig.fake, GW_WRITE, 65536, 512);
		second = fake_store_find(rig.fake, GW_WRITE, 2 * 65536, 512);
		rig_unhold_one(&rig.core, rig.fake, order ? first : second,
			       order ? GW_NO_SPACE : GW_MEDIUM_ERROR);
		rig_settle(&rig.core);
		assert_int_equal(cmd.ended, 0);
		rig_unhold_one(&rig.core, rig.fake, order ? second : first,
			       order ? GW_MEDIUM_ERROR : GW_NO_SPACE);
		cmd_settle(&cmd);
		assert_condition(&cmd, SCSI_IS_NO_SPACE);
		scsi_rig_down(&rig);
	}
}

/* Data that comes when the command has failed, or is to end, is dropped. */
static void late_data(void **state)
{
	for (unsigned abort = 0; abort < 2; abort++) {
		struct scsi_rig rig;
		struct cmd cmd;
		uint8_t cdb[16];

		scsi_rig_up(&rig, 512);
		rig.fake->when = FAKE_HELD;
		rig.by_hand = true;
		cmd_init(&cmd, &rig, cdb, 0, 0, pattern, 4 * 512);
		rw_cdb(cmd.task.cdb, 0x2a, 0, 0, 4);
		cmd_start(&cmd);
		cmd_bring(&cmd, 512);
		cmd_bring(&cmd, 512);
		rig_settle(&rig.core);
		if (abort)
			scsi_task_abort(&cmd.task);
		else
			rig_unhold_one(&rig.core, rig.fake, TAILQ_FIRST(&rig.fake->held),
				       GW_NO_SPACE);
		rig_settle(&rig.core);
		assert_int_equal(cmd.ended, 0);
		cmd_bring(&cmd, 1024);
		rig_unhold(&rig.core, rig.fake);
		assert_int_equal(cmd.ended, 1);
		assert_int_equal(rig.fake->count[GW_WRITE], 2);
		scsi_rig_down(&rig);
	}
}

static void with_cache(struct gw_store_info *info)
{
	info->volatile_cache = true;
}

/* Written, and not made durable: the first block is told, not one behind the last. */
static void durability_fails(void **state)
{
	struct gw_err err = { 0 };
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];

	scsi_rig_up_with(&rig, 512, false, with_cache, false, NULL);
	rig.fake->info.fua = false; /* so that the core flushes */
	assert_int_equal(rig_refresh(&rig.core, "disk"), 0);
	scsi_rig_unit(&rig)->attentions = 0;
	rig.fake->fail_at = rig.fake->submitted + 2;
	rig.fake->fail_with = GW_MEDIUM_ERROR;
	cmd_out(&cmd, &rig, cdb, rw_cdb(cdb, 0x2a, 0x08, 7, 2), pattern, 1024);
	assert_condition(&cmd, SCSI_IS_WRITE_ERROR);
	assert_int_equal(cmd_information(&cmd), 7);
	scsi_nexus_close(&rig.nexus);
	rig_settle(&rig.core);
	rig_remove(&rig.core, "disk", 60000, &err); /* tells of what was lost */
	rig_end(&rig.core);
	fake_store_free(&rig.fake);
}

/* ---- no requests --------------------------------------------------------- */

static void pool_is_empty(void **state)
{
	struct gw_limits limits = { .requests = 8 };
	struct call hog[64] = { 0 };
	struct scsi_rig rig;
	struct cmd cmd;
	uint8_t cdb[16];
	unsigned n = 0;

	scsi_rig_up_with(&rig, 512, false, NULL, false, &limits);
	make_pattern(&rig);
	rig_join(&rig.core, "disk");
	for (unsigned op = 0; op < 3; op++) {
		static const uint8_t opcodes[] = { 0x28, 0x2a, 0x2e };
		bool in = op == 0;

		while (n < 64) {
			hog[n].req = gw_req_take(rig.core.itl[0]);
			if (!hog[n].req)
				break;
			n++;
		}
		assert_true(n < 64);
		rig.piece_bytes = 65536;
		cmd_init(&cmd, &rig, cdb, 0, in ? 512 * 512 : 0, in ? NULL : pattern,
			 in ? 0 : 512 * 512);
		rw_cdb(cmd.task.cdb, opcodes[op], 0, 3, 512);
		cmd_start(&cmd);
		rig_settle(&rig.core);
		assert_int_equal(cmd.ended, 0);
		assert_int_equal(scsi_task_room(&cmd.task), in ? 4 : 0);
		while (n)
			gw_req_put(&hog[--n].req);
		cmd_settle(&cmd);
		assert_int_equal(cmd.task.status, SCSI_GOOD);
		if (in)
			assert_memory_equal(cmd.in, pattern + 3 * 512, 512 * 512);
		else
			assert_memory_equal(rig.fake->bytes + 3 * 512, pattern, 512 * 512);
		cmd_free(&cmd);
	}
	/* more pieces than can be held: an answer, no crash */
	while ((hog[n].req = gw_req_take(rig.core.itl[0])))
		n++;
	rig.piece_bytes = 512;
	cmd_init(&cmd, &rig, cdb, 0, 0, pattern, 512 * 512);
	rw_cdb(cmd.task.cdb, 0x2a, 0, 3, 512);
	cmd_start(&cmd);
	assert_int_equal(cmd.ended, 1);
	assert_condition(&cmd, SCSI_IS_NO_RESOURCES);
	while (n)
		gw_req_put(&hog[--n].req);
	rig_leave(&rig.core);
	scsi_rig_down(&rig);
}

HARNESS_MAIN(cmocka_unit_test(reads_all), cmocka_unit_test(reads_are_lent),
	     cmocka_unit_test(reads_in_pieces), cmocka_unit_test(reads_backwards),
	     cmocka_unit_test(read_residuals), cmocka_unit_test(read_residuals_of_pieces),
	     cmocka_unit_test(the_first_failure), cmocka_unit_test(late_data),
	     cmocka_unit_test(durability_fails), cmocka_unit_test(writes_all),
	     cmocka_unit_test(write_residuals), cmocka_unit_test(fua_reaches_the_store),
	     cmocka_unit_test(verifies_all), cmocka_unit_test(write_and_verify_finds_it),
	     cmocka_unit_test(medium_errors), cmocka_unit_test(pool_is_empty))
