/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_pool.c - sheets of tasks and outgoing PDUs.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_pool.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define SHEET 32u

struct iscsi_slab {
	struct iscsi_slab *next;
	max_align_t objects[];
};

static void *sheet(struct iscsi_home *home, size_t bytes)
{
	struct iscsi_slab *slab = calloc(1, sizeof(*slab) + SHEET * bytes);

	if (!slab)
		return NULL;
	slab->next = home->slabs;
	home->slabs = slab;
	return slab->objects;
}

static bool more_tasks(struct iscsi_home *home)
{
	struct iscsi_task *tasks = sheet(home, sizeof(*tasks));

	for (unsigned i = 0; tasks && i < SHEET; i++)
		STAILQ_INSERT_TAIL(&home->free_tasks, &tasks[i], hungry);
	return tasks;
}

struct iscsi_task *iscsi_pool_task(struct iscsi_home *home)
{
	const size_t from = offsetof(struct iscsi_task, sess);
	struct iscsi_task *task;

	if (STAILQ_EMPTY(&home->free_tasks) && !more_tasks(home))
		return NULL;
	task = STAILQ_FIRST(&home->free_tasks);
	STAILQ_REMOVE_HEAD(&home->free_tasks, hungry);
	memset((uint8_t *)task + from, 0, offsetof(struct iscsi_task, data.iov) - from);
	task->piece.n = task->piece.bytes = 0;
	return task;
}

void iscsi_pool_task_put(struct iscsi_home *home, struct iscsi_task *task)
{
	STAILQ_INSERT_HEAD(&home->free_tasks, task, hungry);
}

static bool more_outs(struct iscsi_home *home)
{
	struct iscsi_out *outs = sheet(home, sizeof(*outs));

	for (unsigned i = 0; outs && i < SHEET; i++)
		STAILQ_INSERT_TAIL(&home->free_outs, &outs[i], next);
	return outs;
}

struct iscsi_out *iscsi_pool_out(struct iscsi_home *home)
{
	struct iscsi_out *out;

	if (STAILQ_EMPTY(&home->free_outs) && !more_outs(home))
		return NULL;
	out = STAILQ_FIRST(&home->free_outs);
	STAILQ_REMOVE_HEAD(&home->free_outs, next);
	out->task = NULL;
	out->statsn = ISCSI_STATSN_TAKE;
	out->closes = out->lent = false;
	out->file = NULL;
	out->data_bytes = 0;
	out->data.n = 0;
	out->data.bytes = 0;
	return out;
}

void iscsi_pool_out_put(struct iscsi_home *home, struct iscsi_out *out)
{
	if (out->data.n)
		gw_mem_put(&out->data);
	STAILQ_INSERT_HEAD(&home->free_outs, out, next);
}

void iscsi_pool_free(struct iscsi_home *home)
{
	struct iscsi_slab *slab;

	STAILQ_INIT(&home->free_tasks);
	STAILQ_INIT(&home->free_outs);
	while ((slab = home->slabs)) {
		home->slabs = slab->next;
		free(slab);
	}
}
