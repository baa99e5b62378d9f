/* SPDX-License-Identifier: BSD-3-Clause
 *
 * fuzz_scsi_cmd.c - any CDBs with any data, through the dispatcher and the real
 * core to a store that checks what it is asked; several at a time, ended, aborted
 * and left.
 *
 * The input is a list of commands: a byte how (bits 0-1: 0 run, 1 abort, 2 leave,
 * 3 let it stand; bit 2 the store holds; bit 3 memory is refused once; bit 4 the
 * last of the CDB is cut off; bits 5-7 the LUN), the task attribute, 16 bytes of
 * CDB, the expected lengths in and out (2 bytes each, in 16ths), and as much
 * data-out as that and the input allow; what is missing is zero.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/base/bytes.h"
#include "gateway/base/check.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/translators/scsi/scsi_rig.h"

#define COMMANDS_MAX 16u
#define HEAD_BYTES 22u

enum end { RUN, ABORT, LEAVE, STAND };

static uint8_t zeroes[16 * UINT16_MAX];

struct input {
	const uint8_t *at;
	size_t n;
};

static bool next_command(struct input *in, struct cmd *cmd, struct scsi_rig *rig, uint8_t *how)
{
	const uint8_t *head = in->at;
	uint64_t expect_in, expect_out;

	if (in->n < HEAD_BYTES)
		return false;
	*how = head[0];
	expect_in = be16_get(head + 18) * 16u;
	expect_out = be16_get(head + 20) * 16u;
	in->at += HEAD_BYTES;
	in->n -= HEAD_BYTES;
	cmd_init(cmd, rig, head + 2, 16, expect_in, expect_out <= in->n ? in->at : zeroes,
		 expect_out);
	if (expect_out <= in->n) {
		in->at += expect_out;
		in->n -= expect_out;
	}
	cmd->task.attr = head[1];
	cmd->task.lun[1] = *how >> 5;
	if (*how & 16)
		cmd->task.cdb_bytes = head[1] % 17;
	return true;
}

static void check_end(const struct cmd *cmd)
{
	const struct scsi_task *task = &cmd->task;

	GW_CHECK(cmd->ended == 1);
	GW_CHECK(task->in_sent <= task->expected_in && task->in_sent == cmd->in_bytes);
	GW_CHECK(task->out_taken <= task->expected_out && task->sense_bytes <= SCSI_SENSE_MAX);
	GW_CHECK((task->status == SCSI_CHECK_CONDITION) == (task->sense_bytes > 0));
	if (task->sense_bytes)
		GW_CHECK(task->sense[0] == 0x70 || task->sense[0] == 0xf0 ||
			 task->sense[0] == 0x72);
}

/* True: it stands, and ends with the others. */
static bool one(struct cmd *cmd, uint8_t how)
{
	struct scsi_rig *rig = cmd->rig;

	rig->fake->when = how & 4 ? FAKE_HELD : FAKE_MIXED;
	rig->refuse = how >> 3 & 1;
	cmd_start(cmd);
	if (!cmd->ended && (how & 3) == ABORT)
		scsi_task_abort(&cmd->task);
	if (!cmd->ended && (how & 3) == LEAVE) {
		scsi_task_leave(&cmd->task);
		return false;
	}
	if ((how & 3) == RUN) {
		rig_settle(&rig->core);
		if (!cmd->ended && cmd->waits)
			scsi_task_resume(&cmd->task);
		rig_unhold(&rig->core, rig->fake);
	}
	if (!cmd->ended)
		return true;
	check_end(cmd);
	return false;
}

static void settle_all(struct scsi_rig *rig, struct cmd *cmds, const bool *stands, unsigned n)
{
	rig_unhold(&rig->core, rig->fake); /* orphans, too */
	for (unsigned round = 0; round < 100 && scsi_unit_tasks(scsi_rig_unit(rig)); round++) {
		for (unsigned i = 0; i < n; i++)
			if (stands[i] && !cmds[i].ended)
				scsi_task_resume(&cmds[i].task);
		rig_unhold(&rig->core, rig->fake);
	}
	for (unsigned i = 0; i < n; i++)
		if (stands[i] && !cmds[i].ended) /* at no unit, waiting for memory */
			scsi_task_resume(&cmds[i].task);
	for (unsigned i = 0; i < n; i++)
		if (stands[i])
			check_end(&cmds[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct cmd cmds[COMMANDS_MAX];
	bool stands[COMMANDS_MAX] = { false };
	struct input in = { data, size };
	struct scsi_rig rig;
	unsigned n = 0;
	uint8_t how;

	if (size < 1)
		return 0;
	scsi_rig_up_with(&rig, 512u << *in.at % 4, *in.at & 4, NULL, *in.at & 8, NULL);
	rig.piece_bytes = *in.at & 16 ? 4096 : 0;
	rig.memory_max = *in.at & 32 ? 65536 : 0;
	in.at++;
	in.n--;
	while (n < COMMANDS_MAX && next_command(&in, &cmds[n], &rig, &how)) {
		stands[n] = one(&cmds[n], how);
		n++;
	}
	settle_all(&rig, cmds, stands, n);
	for (unsigned i = 0; i < n; i++)
		cmd_free(&cmds[i]);
	scsi_rig_down(&rig);
	return 0;
}
