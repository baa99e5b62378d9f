/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_task.c - birth, tag and end of requests.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_task.h"

#include "protocols/iscsi/iscsi_depth.h"
#include "protocols/iscsi/iscsi_pool.h"
#include "protocols/iscsi/iscsi_ripen.h"

/* How soon hungry tasks are looked at where no credit tells (the pool of requests
 * was empty). */
#define HUNGER_MS 5

static struct iscsi_task_list *bucket_of(const struct iscsi_sess *sess, uint32_t itt)
{
	uint32_t hash = itt ^ itt >> 8 ^ itt >> 16;

	return (struct iscsi_task_list *)&sess->bucket[hash % ISCSI_BUCKETS];
}

struct iscsi_task *iscsi_task_begin(struct iscsi_conn *conn, const struct iscsi_pdu *pdu)
{
	struct iscsi_sess *sess = conn->sess;
	struct iscsi_task *task = iscsi_pool_task(conn->home);

	if (!task)
		return NULL;
	task->sess = sess;
	task->conn = conn;
	task->pdu = *pdu;
	LIST_INSERT_HEAD(&sess->tasks, task, link);
	sess->n_tasks++;
	if (pdu->immediate)
		sess->immediate++;
	return task;
}

bool iscsi_task_name(struct iscsi_task *task)
{
	struct iscsi_task_list *bucket = bucket_of(task->sess, task->pdu.itt);
	struct iscsi_task *other;

	LIST_FOREACH (other, bucket, bucket)
		if (other->pdu.itt == task->pdu.itt)
			return false;
	LIST_INSERT_HEAD(bucket, task, bucket);
	task->hashed = true;
	return true;
}

struct iscsi_task *iscsi_task_find(const struct iscsi_sess *sess, uint32_t itt)
{
	struct iscsi_task *task;

	LIST_FOREACH (task, bucket_of(sess, itt), bucket)
		if (task->pdu.itt == itt)
			return task;
	return NULL;
}

/* Its data is being received: the memory stays until that is over. */
static void leave_limbo(struct iscsi_task *task)
{
	struct iscsi_conn *conn = task->conn;

	if (!conn || conn->into != task)
		return;
	conn->into = NULL;
	if (conn->sink)
		gw_mem_move(&conn->limbo, conn->sink);
	conn->sink = NULL;
	conn->unsummed = true;
}

static void count_done(struct iscsi_sess *sess)
{
	iscsi_window_done(&sess->window);
	iscsi_depth_done(sess);
}

void iscsi_task_end(struct iscsi_task **taskp)
{
	struct iscsi_task *task = *taskp;
	struct iscsi_sess *sess = task->sess;

	*taskp = NULL;
	leave_limbo(task);
	if (task->counted)
		count_done(sess);
	if (task->pdu.immediate)
		sess->immediate--;
	if (task->hashed)
		LIST_REMOVE(task, bucket);
	if (task->is_hungry) {
		STAILQ_REMOVE(&sess->hungry, task, iscsi_task, hungry);
		sess->n_hungry--;
	}
	if (task->ripens) {
		iscsi_ripen_look(sess); /* others waited behind it */
		TAILQ_REMOVE(&sess->ripening, task, ripening);
	}
	if (task->state == ISCSI_TASK_BEHIND)
		STAILQ_REMOVE(&sess->behind, task, iscsi_task, behind);
	if (task->last)
		task->last->task = NULL;
	if (task->data.n)
		gw_mem_put(&task->data);
	if (task->piece.n)
		gw_mem_put(&task->piece);
	if (sess->logout == task)
		sess->logout = NULL;
	else if (sess->logout && sess->logout->conn)
		loop_defer(sess->home->loop, &sess->logout->conn->task);
	LIST_REMOVE(task, link);
	sess->n_tasks--;
	iscsi_ripen_look(sess);
	iscsi_pool_task_put(sess->home, task);
	if (sess->closing || !LIST_EMPTY(&sess->joins))
		loop_defer(sess->home->loop, &sess->rest);
	if (sess->n_hungry)
		loop_defer(sess->home->loop, &sess->feed); /* its memory is free */
}

void iscsi_task_hunger(struct iscsi_task *task)
{
	struct iscsi_sess *sess = task->sess;
	struct loop *loop = sess->home->loop;

	if (task->is_hungry)
		return;
	task->is_hungry = true;
	STAILQ_INSERT_TAIL(&sess->hungry, task, hungry);
	sess->n_hungry++;
	iscsi_count(sess->home, ISCSI_COUNT_waits, 1);
	if (!loop_timer_armed(&sess->hunger))
		loop_timer_arm(loop, &sess->hunger,
			       instant_add(loop_now(loop), span_ms(HUNGER_MS)));
}
