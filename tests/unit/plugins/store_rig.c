/* SPDX-License-Identifier: BSD-3-Clause
 *
 * store_rig.c - see store_rig.h.
 */
#include "config.h"

#include "tests/unit/plugins/store_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/check.h"
#include "gateway/base/clock.h"
#include "tests/harness/harness.h"

/* ---- loops and stores --------------------------------------------------- */

bool rig_loops(struct rig *rig, unsigned n, const struct drv_ops *drv)
{
	*rig = (struct rig){ .loops = n };
	return loop_set_create(n, drv, &rig->set, &rig->err) == 0;
}

void rig_loops_end(struct rig *rig)
{
	loop_set_destroy(&rig->set);
}

int rig_open(struct rig *rig, const struct gw_store_ops *ops, struct gw_store_args args)
{
	int rc;

	args.fs = loop_fs(loop_set_get(rig->set, 0));
	rig->ops = ops;
	rig->err = GW_ERR_NONE;
	rc = ops->open(&args, &rig->store, &rig->info, &rig->err);
	if (rc) {
		assert_null(rig->store);
		assert_int_equal(rc, -rig->err.errnum);
		assert_true(rig->err.text[0] != '\0');
		return rc;
	}
	for (unsigned i = 0; i < rig->loops && ops->lane_open; i++)
		assert_int_equal(ops->lane_open(rig->store, loop_set_get(rig->set, i),
						&rig->lane[i], &rig->err),
				 0);
	return 0;
}

void rig_close(struct rig *rig)
{
	for (unsigned i = 0; i < rig->loops && rig->ops->lane_open; i++) {
		rig->ops->lane_close(&rig->lane[i]);
		assert_null(rig->lane[i]);
	}
	rig->ops->close(&rig->store);
	assert_null(rig->store);
	rig->ops->close(&rig->store); /* null is accepted */
}

/* ---- requests ----------------------------------------------------------- */

static void end(struct rig_io *rio)
{
	rio->ended = true;
	if (rio->done)
		rio->done(rio);
}

static void end_early(struct loop_task *task)
{
	end((struct rig_io *)((char *)task - offsetof(struct rig_io, early)));
}

void gw_io_done(struct gw_io *io, enum gw_status status)
{
	struct rig_io *rio = (struct rig_io *)((char *)io - offsetof(struct rig_io, io));

	GW_CHECK(loop_is_home(io->loop));
	GW_CHECK(io->core_state == 1); /* exactly once */
	io->core_state = 0;
	rio->status = status;
	if (rio->inside)
		loop_defer(io->loop, &rio->early);
	else
		end(rio);
}

void rig_submit(struct rig *rig, unsigned loop, struct rig_io *rio)
{
	rio->io.loop = loop_set_get(rig->set, loop);
	rio->io.core_state = 1;
	rio->early = (struct loop_task){ .run = end_early };
	rio->ended = false;
	rio->inside = true;
	rig->ops->submit(rig->store, rig->lane[loop], &rio->io);
	rio->inside = false;
}

void rig_turn_until(struct rig *rig, const bool *flag)
{
	struct loop *loop = loop_set_get(rig->set, 0);
	struct instant limit = instant_add(loop_clock(loop), span_s(20));

	while (!*flag) {
		loop_turn(loop, instant_add(loop_clock(loop), span_s(1)));
		GW_CHECK(instant_before(loop_clock(loop), limit));
	}
}

enum gw_status rig_run(struct rig *rig, struct rig_io *rio)
{
	rig_submit(rig, 0, rio);
	assert_false(rio->ended); /* never from inside */
	rig_turn_until(rig, &rio->ended);
	return rio->status;
}

/* ---- one request at a time ---------------------------------------------- */

enum gw_status rig_read(struct rig *rig, uint64_t offset, void *to, size_t length)
{
	struct iovec iov = { to, length };
	struct rig_io rio = { .io = { .op = GW_READ, .offset = offset, .length = length } };

	rio.io.iov = &iov;
	rio.io.niov = 1;
	return rig_run(rig, &rio);
}

enum gw_status rig_write(struct rig *rig, uint64_t offset, const void *from, size_t length,
			 uint32_t flags)
{
	struct iovec iov = { (void *)(uintptr_t)from, length };
	struct rig_io rio = { .io = { .op = GW_WRITE, .offset = offset, .length = length } };

	rio.io.flags = flags;
	rio.io.iov = &iov;
	rio.io.niov = 1;
	return rig_run(rig, &rio);
}

enum gw_status rig_range(struct rig *rig, enum gw_op op, uint64_t offset, uint64_t length,
			 uint32_t flags)
{
	struct rig_io rio = { .io = { .op = op, .offset = offset, .length = length } };

	rio.io.flags = flags;
	return rig_run(rig, &rio);
}

static bool add(struct gw_extents *sink, uint64_t length, uint32_t flags)
{
	struct rig_extents *out = (struct rig_extents *)(void *)sink;

	GW_CHECK(length > 0);
	out->calls++;
	if (out->n && out->run[out->n - 1].flags == flags) {
		out->run[out->n - 1].length += length;
		return true;
	}
	GW_CHECK(out->n < out->most);
	out->run[out->n].length = length;
	out->run[out->n++].flags = flags;
	return out->n < out->most;
}

enum gw_status rig_extents(struct rig *rig, uint64_t offset, uint64_t length, uint32_t flags,
			   struct rig_extents *out)
{
	struct rig_io rio = { .io = { .op = GW_EXTENTS, .offset = offset, .length = length } };

	if (!out->most)
		out->most = RIG_RUNS;
	out->n = out->calls = 0;
	out->sink.add = add;
	rio.io.flags = flags;
	rio.io.extents = &out->sink;
	return rig_run(rig, &rio);
}

/* ---- scratch files ------------------------------------------------------ */

static char folders[8][512], files[32][640];
static unsigned n_folders, n_files, ending;

static const char *folder_under(const char *under)
{
	size_t len = strlen(under);

	for (unsigned i = 0; i < n_folders; i++)
		if (!strncmp(folders[i], under, len) && !strchr(folders[i] + len + 1, '/'))
			return folders[i];
	if (!n_folders && !ending++)
		atexit(rig_scratch_end); /* also where a case fails */
	GW_CHECK(n_folders < sizeof(folders) / sizeof(folders[0]));
	snprintf(folders[n_folders], sizeof(folders[0]), "%s/sluice-test-XXXXXX", under);
	if (!mkdtemp(folders[n_folders])) {
		print_message("# cannot make a folder under %s\n", under);
		exit(1);
	}
	return folders[n_folders++];
}

const char *rig_scratch(const char *under, const char *name)
{
	const char *folder = folder_under(under);

	GW_CHECK(n_files < sizeof(files) / sizeof(files[0]));
	snprintf(files[n_files], sizeof(files[0]), "%s/%s", folder, name);
	unlink(files[n_files]);
	return files[n_files++];
}

void rig_scratch_end(void)
{
	while (n_files)
		unlink(files[--n_files]);
	while (n_folders)
		rmdir(folders[--n_folders]);
}
