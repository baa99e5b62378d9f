/* SPDX-License-Identifier: BSD-3-Clause
 *
 * scsi_rig.c - see scsi_rig.h.
 */
#include "config.h"

#include "tests/unit/translators/scsi/scsi_rig.h"

#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/num.h"

static uint64_t ends;

/* ---- the transport -------------------------------------------------------- */

static struct cmd *cmd_of(struct scsi_task *task)
{
	return (struct cmd *)task;
}

static struct gw_credit *credit_of(struct cmd *cmd)
{
	return rig_credit(&cmd->rig->core, 0);
}

void cmd_bring(struct cmd *cmd, uint32_t bytes)
{
	struct gw_mem mem = { .n = 0 };

	bytes = (uint32_t)num_min(bytes, cmd->wanted - cmd->brought);
	if (!bytes)
		return;
	assert_int_equal(gw_mem_take(credit_of(cmd), bytes, 0, &mem), bytes);
	gw_mem_copy_in(&mem, 0, cmd->out + cmd->brought, bytes);
	cmd->brought += bytes;
	scsi_task_data(&cmd->task, &mem);
	assert_int_equal(mem.n, 0);
}

static void receive(struct scsi_task *task, uint64_t bytes)
{
	struct cmd *cmd = cmd_of(task);
	uint32_t piece = cmd->rig->piece_bytes ? cmd->rig->piece_bytes : GW_BUF_MAX_BYTES;

	assert_true(bytes && !cmd->wanted && bytes <= task->expected_out);
	assert_true(task->granule_bytes > 0);
	cmd->wanted = bytes;
	piece = piece < task->granule_bytes ? task->granule_bytes
					    : piece - piece % task->granule_bytes;
	while (!cmd->rig->by_hand && !cmd->ended && cmd->brought < cmd->wanted)
		cmd_bring(cmd, piece);
}

static uint32_t memory(struct scsi_task *task, uint32_t bytes, uint32_t min_bytes,
		       struct gw_mem *mem)
{
	struct cmd *cmd = cmd_of(task);
	struct scsi_rig *rig = cmd->rig;

	assert_true(bytes && min_bytes <= bytes && !mem->n);
	rig->asked++;
	cmd->waits = rig->refuse > 0;
	if (rig->refuse) {
		rig->refuse--;
		return 0;
	}
	if (rig->memory_max && min_bytes && bytes > rig->memory_max)
		bytes = rig->memory_max < min_bytes ? min_bytes : rig->memory_max;
	return gw_mem_take(credit_of(cmd), bytes, min_bytes, mem);
}

static void send_in(struct scsi_task *task, struct gw_mem *mem)
{
	struct cmd *cmd = cmd_of(task);

	assert_false(cmd->ended || task->aborted);
	assert_true(mem->bytes && cmd->in_bytes + mem->bytes <= task->expected_in);
	cmd->in = realloc(cmd->in, cmd->in_bytes + mem->bytes);
	assert_non_null(cmd->in);
	gw_mem_copy_out(mem, 0, cmd->in + cmd->in_bytes, mem->bytes);
	cmd->in_bytes += mem->bytes;
	cmd->sends++;
	gw_mem_put(mem);
}

static void done(struct scsi_task *task)
{
	struct cmd *cmd = cmd_of(task);

	cmd->ended++;
	cmd->when = ++ends;
	assert_int_equal(task->in_sent, cmd->in_bytes);
	if (!task->aborted && task->status == SCSI_GOOD)
		assert_int_equal(task->sense_bytes, 0);
	if (cmd->then)
		cmd_start(cmd->then);
}

static const struct scsi_port_ops port_ops = { receive, memory, send_in, done };

/* ---- commands ------------------------------------------------------------ */

void cmd_init(struct cmd *cmd, struct scsi_rig *rig, const void *cdb, unsigned cdb_bytes,
	      uint64_t in, const void *out, uint64_t out_bytes)
{
	memset(cmd, 0xa5, sizeof(*cmd)); /* what init must not rely on */
	scsi_task_init(&cmd->task);
	memset((char *)cmd + sizeof(cmd->task), 0, sizeof(*cmd) - sizeof(cmd->task));
	cmd->rig = rig;
	cmd->task.nexus = rig->nexus;
	cmd->task.ops = &port_ops;
	memcpy(cmd->task.cdb, cdb, cdb_bytes);
	cmd->task.cdb_bytes = (uint16_t)(cdb_bytes < 16 ? 16 : cdb_bytes);
	cmd->task.attr = SCSI_SIMPLE;
	cmd->task.expected_in = in;
	cmd->task.expected_out = out_bytes;
	cmd->task.read = in > 0;
	cmd->task.write = out_bytes > 0;
	cmd->out = out;
	cmd->out_bytes = out_bytes;
}

void cmd_start(struct cmd *cmd)
{
	scsi_task_start(&cmd->task);
}

void cmd_settle(struct cmd *cmd)
{
	for (unsigned i = 0; i < 10000 && !cmd->ended; i++) {
		rig_settle(&cmd->rig->core);
		if (!cmd->ended && cmd->waits) {
			cmd->waits = false;
			scsi_task_resume(&cmd->task);
		}
	}
	rig_settle(&cmd->rig->core);
	assert_int_equal(cmd->ended, 1);
}

uint8_t cmd_run(struct cmd *cmd)
{
	cmd_start(cmd);
	cmd_settle(cmd);
	return cmd->task.status;
}

void cmd_free(struct cmd *cmd)
{
	free(cmd->in);
	cmd->in = NULL;
}

uint8_t cmd_in(struct cmd *cmd, struct scsi_rig *rig, const void *cdb, unsigned n, uint64_t in)
{
	cmd_init(cmd, rig, cdb, n, in, NULL, 0);
	return cmd_run(cmd);
}

uint8_t cmd_out(struct cmd *cmd, struct scsi_rig *rig, const void *cdb, unsigned n, const void *out,
		uint64_t bytes)
{
	cmd_init(cmd, rig, cdb, n, 0, out, bytes);
	return cmd_run(cmd);
}

uint8_t cmd_none(struct cmd *cmd, struct scsi_rig *rig, const void *cdb, unsigned n)
{
	cmd_init(cmd, rig, cdb, n, 0, NULL, 0);
	return cmd_run(cmd);
}

/* ---- the end at every step ------------------------------------------------ */

static void one_step(struct cmd *cmd, bool bring)
{
	struct scsi_rig *rig = cmd->rig;

	if (bring)
		cmd_bring(cmd, 65536);
	if (!cmd->ended && cmd->waits) {
		cmd->waits = false;
		scsi_task_resume(&cmd->task);
	}
	if (cmd->ended || rig_step(&rig->core))
		return;
	if (!TAILQ_EMPTY(&rig->fake->held))
		rig_unhold_one(&rig->core, rig->fake, TAILQ_FIRST(&rig->fake->held), GW_OK);
	else
		rig_settle(&rig->core); /* tasks are not seen from outside */
}

static void end_it(struct cmd *cmd, enum cmd_way way)
{
	if (way == CMD_ABORT)
		scsi_task_abort(&cmd->task);
	else if (way == CMD_LEAVE)
		scsi_task_leave(&cmd->task);
	else
		scsi_task_fail(&cmd->task, SCSI_IS_NOT_ENOUGH_DATA);
}

bool cmd_ends_at(struct scsi_rig *rig, const uint8_t cdb[16], uint64_t in, const void *out,
		 uint64_t out_bytes, unsigned step, enum cmd_way way)
{
	struct cmd cmd;
	bool early;

	rig->refuse = step % 3;
	cmd_init(&cmd, rig, cdb, 16, in, out, out_bytes);
	cmd_start(&cmd);
	for (unsigned i = 0; i < step && !cmd.ended; i++)
		one_step(&cmd, out_bytes && i % 2);
	early = !cmd.ended;
	if (early)
		end_it(&cmd, way);
	rig_unhold(&rig->core, rig->fake);
	assert_int_equal(cmd.ended, !(early && way == CMD_LEAVE));
	if (early && way == CMD_ABORT)
		assert_true(cmd.task.aborted);
	if (early && way == CMD_FAIL)
		assert_condition(&cmd, SCSI_IS_NOT_ENOUGH_DATA);
	assert_int_equal(scsi_unit_tasks(scsi_rig_unit(rig)), 0);
	cmd_free(&cmd);
	return early;
}

/* ---- sense, fixed format -------------------------------------------------- */

uint16_t cmd_code(const struct cmd *cmd)
{
	assert_int_equal(cmd->task.sense_bytes, 18);
	return be16_get(cmd->task.sense + 12);
}

uint8_t cmd_key(const struct cmd *cmd)
{
	return cmd->task.sense[2] & 15;
}

int cmd_field(const struct cmd *cmd, bool in_cdb, int bit)
{
	const uint8_t *sks = cmd->task.sense + 15;

	assert_int_equal(sks[0] & 0x80, 0x80);
	assert_int_equal(sks[0] & 0x40, in_cdb ? 0x40 : 0);
	assert_int_equal(sks[0] & 0x08, bit < 0 ? 0 : 0x08);
	assert_int_equal(sks[0] & 0x07, bit < 0 ? 0 : bit);
	return be16_get(sks + 1);
}

int64_t cmd_information(const struct cmd *cmd)
{
	return cmd->task.sense[0] & 0x80 ? (int64_t)be32_get(cmd->task.sense + 3) : -1;
}

/* ---- the whole ------------------------------------------------------------ */

static void nexus_ready(struct scsi_nexus *nexus, void *owner)
{
	((struct scsi_rig *)owner)->readied++;
	(void)nexus;
}

static const struct scsi_nexus_ops nexus_ops = { .ready = nexus_ready };

void scsi_rig_up_with(struct scsi_rig *rig, uint32_t block, bool read_only,
		      void (*change)(struct gw_store_info *info), bool keep_attention,
		      const struct gw_limits *limits)
{
	struct gw_err err = { 0 };
	struct gw_grant grant = { .lun = 0 };

	*rig = (struct scsi_rig){ .block = block };
	fake_store_forget_all();
	rig_begin(&rig->core, 1, 1, limits);
	rig->fake = fake_store_new("disk", DISK_BYTES);
	if (change)
		change(&rig->fake->info);
	if (rig_add(&rig->core, "disk", block, false, read_only, &err))
		fail_msg("%s", err.text);
	rig->core.volume = gw_volume_find(rig->core.gw, "disk");
	rig->port = (struct scsi_port){ .protocol = SCSI_PROTO_ISCSI,
					.device_name = "iqn.2026-01.org.example:t",
					.port_name = "iqn.2026-01.org.example:t,t,0x0001",
					.relative_id = 1,
					.group = 7 };
	grant.volume = rig->core.volume;
	rig->nexus = scsi_nexus_open(rig->core.nexus[0], &rig->port, &grant, 1, &nexus_ops, rig);
	assert_non_null(rig->nexus);
	assert_int_equal(rig->readied, 0);
	rig_settle(&rig->core);
	assert_int_equal(rig->readied, 1);
	if (!keep_attention)
		scsi_rig_unit(rig)->attentions = 0;
}

void scsi_rig_up(struct scsi_rig *rig, uint32_t block)
{
	scsi_rig_up_with(rig, block, false, NULL, false, NULL);
}

void scsi_rig_down(struct scsi_rig *rig)
{
	struct gw_err err = { 0 };

	rig->fake->when = FAKE_INSIDE;
	rig->fake->decide = NULL;
	scsi_nexus_close(&rig->nexus);
	rig_settle(&rig->core);
	rig_assert_idle(&rig->core);
	if (rig_remove(&rig->core, "disk", 60000, &err))
		fail_msg("%s", err.text);
	assert_string_equal(fake_store_breach(rig->fake), "");
	rig_end(&rig->core);
	fake_store_free(&rig->fake);
}

struct scsi_unit *scsi_rig_unit(struct scsi_rig *rig)
{
	return scsi_nexus_nth(rig->nexus, 0);
}
