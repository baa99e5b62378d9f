/* SPDX-License-Identifier: BSD-3-Clause
 *
 * store_model_test.c - every store against a plain array of bytes, on both real
 * drivers.  A new store is a row here.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/table.h"
#include "tests/harness/harness.h"
#include "tests/unit/plugins/loop_device.h"
#include "tests/unit/plugins/store_model.h"

#define BYTES (2u << 20)
#define STEPS 500
#define SEEDS 2

extern const struct gw_store_ops st_null_ops, st_memory_ops, st_file_ops, st_block_ops;

struct row {
	const char *name;
	const struct gw_store_ops *ops;
	const char *target; /* "/": a new file under this folder */
	bool direct, forgets;
	unsigned device_block; /* a loop device with such blocks */
};

static const struct row rows[] = {
	{ "null", &st_null_ops, "1G", .forgets = true },
	{ "memory", &st_memory_ops, "1G" },
	{ "file on tmpfs", &st_file_ops, "/dev/shm" },
	{ "file on a disk", &st_file_ops, "/var/tmp" },
	{ "file, O_DIRECT", &st_file_ops, "/var/tmp", .direct = true },
	{ "device of 512", &st_block_ops, "/var/tmp", .device_block = 512 },
	{ "device of 4096", &st_block_ops, "/var/tmp", .device_block = 4096 },
	{ "device of 512, O_DIRECT", &st_block_ops, "/var/tmp", true, .device_block = 512 },
	{ "device of 4096, O_DIRECT", &st_block_ops, "/var/tmp", true, .device_block = 4096 },
};

static void run_seeds(struct rig *rig, const struct row *row, struct gw_store_args args)
{
	const char *word = getenv("STORE_MODEL_SEEDS");
	unsigned seeds = word ? (unsigned)strtoul(word, NULL, 10) : SEEDS;
	/* Behind 1 MiB of memory's first leaf; the others have but this. */
	uint64_t from = row->target[0] == '/' ? 0 : (128u << 20) - BYTES / 2;

	for (unsigned seed = 1; seed <= seeds; seed++) {
		struct model_case what = { row->name, seed, STEPS, from, BYTES, row->forgets };

		if (rig_open(rig, row->ops, args))
			fail_msg("%s: %s", row->name, rig->err.text);
		assert_true(rig->info.size_bytes >= from + BYTES);
		model_run(rig, &what);
		rig_close(rig);
		if (row->ops == &st_file_ops)
			unlink(args.target);
		/* A device keeps what it has: back to zeroes. */
		if (row->device_block)
			loop_device_clear();
	}
}

static void run_row(const struct row *row, const struct drv_ops *drv)
{
	struct gw_store_args args = { .target = row->target, .direct = row->direct };
	struct rig rig;

	if (!rig_loops(&rig, 1, drv)) {
		print_message("# %s: skipped on %s: %s\n", row->name, drv->name, rig.err.text);
		return;
	}
	if (row->device_block)
		args.target = loop_device_make(row->target, BYTES, row->device_block);
	else if (row->target[0] == '/')
		args.target = rig_scratch(row->target, "model.img");
	args.size_text = "2M";
	if (args.target)
		run_seeds(&rig, row, args);
	else
		print_message("# %s: skipped: %s\n", row->name, loop_device_why());
	if (row->device_block)
		loop_device_drop();
	rig_loops_end(&rig);
}

static void run_driver(const struct drv_ops *drv)
{
	for (size_t i = 0; i < TABLE_LEN(rows); i++)
		run_row(&rows[i], drv);
	rig_scratch_end();
}

static void over_uring(void **state)
{
	(void)state;
	run_driver(&drv_uring);
}

static void over_aio(void **state)
{
	(void)state;
	run_driver(&drv_aio);
}

HARNESS_MAIN(cmocka_unit_test(over_uring), cmocka_unit_test(over_aio))
