/* SPDX-License-Identifier: BSD-3-Clause
 *
 * kept.c - the keeper of a volume (gateway/api/kept.h): opened once, written by one
 * helper at a time.  The file's format and its promises are keep.c's.
 */
#include "config.h"

#include "gateway/api/kept.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/base/str.h"
#include "gateway/core/admin.h"
#include "gateway/core/core.h"
#include "gateway/loop/drv_fs.h"

int gw_state_in(struct gw *gw, const char *folder, struct gw_err *err)
{
	if (str_copy(gw->state_folder, sizeof(gw->state_folder), folder))
		return 0;
	return gw_err_set(err, ENAMETOOLONG, "%s: the path is too long", folder);
}

/* The folder and those above it. */
static int make_folders(struct drv_fs *fs, const char *folder)
{
	char path[sizeof(((struct gw *)0)->state_folder)];
	int rc = 0;

	for (size_t at = 1; !rc && at <= strlen(folder); at++) {
		if (folder[at] && folder[at] != '/')
			continue;
		memcpy(path, folder, at);
		path[at] = 0;
		rc = fs->ops->make_dir(fs, path);
	}
	return rc;
}

int gw_kept_open(struct gw_volume *volume, struct gw_err *err)
{
	struct gw *gw = volume->gw;
	struct drv_fs *fs = loop_fs(loop_set_get(gw->loops, 0));
	int rc;

	if (volume->keep)
		return 0;
	if (!gw->state_folder[0])
		return gw_err_set(err, ENOENT, "there is no folder for what must survive restarts");
	rc = make_folders(fs, gw->state_folder);
	if (rc)
		return gw_err_set(err, -rc, "%s: the folder cannot be made: %m", gw->state_folder);
	return gw_keep_open(fs, gw->state_folder, volume->identity.serial, &volume->keep, err);
}

const void *gw_kept_get(const struct gw_volume *volume, const char *key, size_t *bytes)
{
	GW_CHECK(volume->keep);
	return gw_keep_get(volume->keep, key, bytes);
}

static struct gw_kept_op *of_job(struct drv_op *job)
{
	return (struct gw_kept_op *)((char *)job - offsetof(struct gw_kept_op, job));
}

/* What the keeper has by now, for a commit that fails. */
struct before {
	void *value; /* null: no record */
	size_t bytes;
};

static int remember(const struct gw_kept_op *op, struct before *before)
{
	const void *value = gw_keep_get(op->volume->keep, op->key, &before->bytes);

	if (!value)
		return 0;
	before->value = malloc(before->bytes + 1); /* an empty one is a record, too */
	if (!before->value)
		return -ENOMEM;
	memcpy(before->value, value, before->bytes);
	return 0;
}

static int keep_it(struct gw_kept_op *op, const struct before *before)
{
	struct gw_keep *keep = op->volume->keep;
	int rc = gw_keep_set(keep, op->key, op->value, op->bytes);

	if (rc)
		return gw_err_set(&op->err, -rc, "%s: cannot be kept: %m", op->key);
	rc = gw_keep_commit(keep, &op->err);
	if (rc) /* else the next commit, of another record, would bring it */
		gw_keep_set(keep, op->key, before->value, before->bytes);
	return rc;
}

/* A helper: nobody else touches the keeper meanwhile. */
static int64_t write_it(struct drv_op *job)
{
	struct gw_kept_op *op = of_job(job);
	struct before before = { 0 };
	int rc = remember(op, &before);

	rc = rc ? gw_err_set(&op->err, -rc, "%s: cannot be kept: %m", op->key)
		: keep_it(op, &before);
	free(before.value);
	return rc;
}

static void begin(struct gw_kept_op *op)
{
	loop_submit(loop_set_get(op->volume->gw->loops, 0), &op->job);
}

static void written(struct drv_op *job, int64_t res)
{
	struct gw_kept_op *op = of_job(job);
	struct gw_volume *volume = op->volume;

	op->rc = (int)res;
	TAILQ_REMOVE(&volume->kept_ops, op, link);
	if (!TAILQ_EMPTY(&volume->kept_ops))
		begin(TAILQ_FIRST(&volume->kept_ops));
	op->done(op);
}

void gw_kept_set(struct gw_volume *volume, struct gw_kept_op *op)
{
	bool idle = TAILQ_EMPTY(&volume->kept_ops);

	GW_CHECK(volume->keep);
	op->volume = volume;
	op->rc = 0;
	op->job = (struct drv_op){ .kind = DRV_JOB, .done = written, .job = write_it };
	TAILQ_INSERT_TAIL(&volume->kept_ops, op, link);
	if (idle)
		begin(op);
}
