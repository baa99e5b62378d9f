/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_sess.c - the life of a session.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_sess.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "gateway/api/volume.h"
#include "gateway/base/check.h"
#include "gateway/base/log.h"
#include "gateway/base/num.h"
#include "gateway/base/str.h"
#include "gateway/loop/loop_set.h"
#include "protocols/iscsi/iscsi_depth.h"
#include "protocols/iscsi/iscsi_ffp.h"
#include "protocols/iscsi/iscsi_loan.h"
#include "protocols/iscsi/iscsi_names.h"
#include "protocols/iscsi/iscsi_ripen.h"
#include "protocols/iscsi/iscsi_scsi.h"
#include "protocols/iscsi/iscsi_task.h"
#include "protocols/iscsi/iscsi_tmf.h"

/* The one place where the state changes. */
static void move(struct iscsi_sess *sess, enum iscsi_sess_event event)
{
	struct iscsi_sess_move m = iscsi_sess_fsm_move((enum iscsi_sess_state)sess->state, event);

	log_debug(ISCSI, "session %u of %s: %s on %s: %s", sess->tsih, sess->initiator,
		  iscsi_sess_fsm_state_name((enum iscsi_sess_state)sess->state),
		  iscsi_sess_fsm_event_name(event), m.name ? m.name : "stays");
	sess->state = (uint8_t)m.next;
	sess->trail[sess->moves++ % ISCSI_TRAIL] = sess->state;
}

/* ---- making ---------------------------------------------------------------- */

/* RFC 7143 4.2.7: the SCSI port names. */
static void name_ports(struct iscsi_sess *sess)
{
	struct str port = STR_IN(sess->initiator_port);

	str_addf(&port, "%s,i,0x", sess->initiator);
	for (unsigned i = 0; i < sizeof(sess->isid); i++)
		str_addf(&port, "%02x", sess->isid[i]);
	snprintf(sess->target_port, sizeof(sess->target_port), "%s,t,0x%04x", sess->target,
		 ISCSI_NAMES_GROUP);
	sess->port = (struct scsi_port){ .protocol = SCSI_PROTO_ISCSI,
					 .device_name = sess->target,
					 .port_name = sess->target_port,
					 .relative_id = 1,
					 .group = ISCSI_NAMES_GROUP };
}

static void rest(struct loop_task *task);
static void out_of_patience(struct loop_timer *timer);

struct iscsi_sess *iscsi_sess_make(struct iscsi_home *home, const struct iscsi_sess_start *start)
{
	struct iscsi_sess *sess = calloc(1, sizeof(*sess));
	struct gw_grant grant = start->grant;

	if (!sess) {
		gw_grant_release(&grant);
		return NULL;
	}
	sess->home = home;
	memcpy(sess->initiator, start->initiator.at, start->initiator.len);
	snprintf(sess->target, sizeof(sess->target), "%s", start->target);
	memcpy(sess->isid, start->isid, sizeof(sess->isid));
	sess->cid = start->cid;
	sess->params = *start->params;
	sess->discovery = start->discovery;
	sess->grant = grant;
	sess->volume = grant.volume ? gw_volume_name(grant.volume) : "";
	sess->held = true;
	name_ports(sess);
	LIST_INIT(&sess->tasks);
	LIST_INIT(&sess->conns);
	LIST_INIT(&sess->joins);
	TAILQ_INIT(&sess->heirs);
	sess->rest.run = rest;
	loop_timer_init(&sess->patience, out_of_patience);
	return sess;
}

void iscsi_sess_unmake(struct iscsi_sess **sessp)
{
	struct iscsi_sess *sess = *sessp;

	*sessp = NULL;
	gw_grant_release(&sess->grant);
	free(sess);
}

/* ---- opening --------------------------------------------------------------- */

static void nexus_ready(struct scsi_nexus *nexus, void *owner)
{
	struct iscsi_sess *sess = owner;

	(void)nexus;
	gw_grant_release(&sess->grant);
	if (sess->ready)
		sess->ready(sess, true);
}

/* LOGICAL UNIT RESET by another nexus (SAM-5 6.3.3): answers that wait for data do not
 * go out any more. */
static void unit_reset(struct scsi_nexus *nexus, void *owner, struct scsi_unit *unit)
{
	struct iscsi_sess *sess = owner;
	struct iscsi_task *task, *next;

	(void)nexus;
	(void)unit;
	for (task = LIST_FIRST(&sess->tasks); task; task = next) {
		next = LIST_NEXT(task, link);
		if (task->is_scsi && task->state == ISCSI_TASK_ENDED)
			iscsi_task_end(&task);
	}
}

/* An ORDERED task waits for what was lent. */
static void nexus_settle(struct scsi_nexus *nexus, void *owner)
{
	struct iscsi_sess *sess = owner;
	struct iscsi_conn *conn;

	(void)nexus;
	LIST_FOREACH (conn, &sess->conns, link)
		iscsi_loan_want(conn);
}

static const struct scsi_nexus_ops nexus_ops = { .ready = nexus_ready,
						 .reset = unit_reset,
						 .settle = nexus_settle };

/* Small PDUs cost more beside their data than it: their number is bounded, too. */
static uint64_t out_limit(const struct iscsi_sess *sess)
{
	uint64_t bytes = (uint64_t)ISCSI_OUT_PDUS * sess->params.send_max;

	return num_min(num_max(bytes, SCSI_WHOLE_MAX_BYTES), ISCSI_OUT_LIMIT_BYTES);
}

/* The memory that the window promises; 0: no room. */
static uint32_t open_credits(struct iscsi_sess *sess)
{
	struct gw_pool *pool = sess->home->pool;
	uint64_t asked = sess->discovery ? 0 : ISCSI_ASKED_GUARANTEED_BYTES;
	uint32_t depth;

	if (!gw_credit_open(pool, ISCSI_OUT_GUARANTEED_BYTES, out_limit(sess), &sess->out))
		return 0;
	if (gw_credit_open(pool, asked, ISCSI_ASKED_LIMIT_BYTES, &sess->asked)) {
		depth = iscsi_depth_open(sess);
		if (depth)
			return depth;
		gw_credit_close(&sess->asked);
	}
	gw_credit_close(&sess->out);
	return 0;
}

static bool open_nexus(struct iscsi_sess *sess)
{
	struct gw_nexus_names names = { "iscsi", sess->initiator_port, sess->target_port };

	sess->nexus = gw_nexus_open(sess->home->gw, sess->home->loop, &names);
	if (!sess->nexus)
		return false;
	sess->grant.lun = 0; /* of this target */
	sess->scsi = scsi_nexus_open(sess->nexus, &sess->port, &sess->grant, 1, &nexus_ops, sess);
	return sess->scsi;
}

static void opened(struct loop_task *task)
{
	struct iscsi_sess *sess =
		(struct iscsi_sess *)((char *)task - offsetof(struct iscsi_sess, opened));

	sess->ready(sess, true);
}

bool iscsi_sess_open(struct iscsi_sess *sess, uint32_t cmdsn,
		     void (*ready)(struct iscsi_sess *sess, bool ok), void *owner)
{
	struct iscsi_home *home = sess->home;
	uint32_t depth = open_credits(sess);

	sess->owner = owner;
	sess->credits = depth;
	iscsi_window_begin(&sess->window, sess->slots, ISCSI_SLOTS, cmdsn, depth);
	iscsi_scsi_feed_init(sess);
	iscsi_ripen_init(sess, iscsi_ffp_unblocked);
	LIST_INSERT_HEAD(&home->sessions, sess, link);
	iscsi_depth_look(home);
	move(sess, ISCSI_SESS_E_FIRST_LOGIN);
	if (!depth || (!sess->discovery && !open_nexus(sess))) {
		iscsi_sess_close(sess, "no room for it");
		return false;
	}
	sess->ready = ready;
	sess->opened.run = opened;
	if (sess->discovery)
		loop_defer(home->loop, &sess->opened);
	return true;
}

/* ---- the end --------------------------------------------------------------- */

static bool is_lost(const struct iscsi_task *task)
{
	return !task->conn || task->conn->dead;
}

/* Of a session that closes all tasks end, else those whose connection is lost. */
static struct iscsi_task *next_to_abandon(const struct iscsi_sess *sess, bool scsi)
{
	struct iscsi_task *task;

	LIST_FOREACH (task, &sess->tasks, link)
		if (!task->abandoned && task->is_scsi == scsi && (sess->closing || is_lost(task)))
			return task;
	return NULL;
}

/* What waited for an earlier CmdSN is not acknowledged: it may be sent again (7.2.1). */
static void forget_if_kept(struct iscsi_task *task)
{
	if (task->state == ISCSI_TASK_KEPT)
		iscsi_window_forget(&task->sess->window, task->pdu.cmdsn);
}

/* Task management first: it would be told of the ends that follow. */
static void abandon(struct iscsi_sess *sess, bool wait)
{
	struct iscsi_task *task;

	LIST_FOREACH (task, &sess->tasks, link)
		task->abandoned = false;
	while ((task = next_to_abandon(sess, false))) {
		forget_if_kept(task);
		iscsi_tmf_leave(task);
		iscsi_task_end(&task);
	}
	while ((task = next_to_abandon(sess, true))) {
		forget_if_kept(task);
		task->abandoned = true;
		iscsi_scsi_abandon(task, wait);
	}
}

static void out_of_patience(struct loop_timer *timer)
{
	abandon((struct iscsi_sess *)((char *)timer - offsetof(struct iscsi_sess, patience)),
		false);
}

/* Ends what is to end; what is at its store has so much time. */
static void abandon_patiently(struct iscsi_sess *sess)
{
	struct loop *loop = sess->home->loop;

	abandon(sess, true);
	loop_timer_arm(loop, &sess->patience,
		       instant_add(loop_now(loop), span_s(ISCSI_SESS_PATIENCE_S)));
	loop_defer(loop, &sess->rest);
}

static void release(struct iscsi_sess *sess)
{
	if (sess->scsi)
		scsi_nexus_close(&sess->scsi);
	gw_nexus_close(&sess->nexus);
	gw_grant_release(&sess->grant);
	if (sess->credits) {
		gw_credit_close(&sess->in);
		gw_credit_close(&sess->asked);
		gw_credit_close(&sess->out);
	}
}

/* Nothing of it is left at the store or on the wire: loop 0 forgets it. */
static void go_when_over(struct iscsi_sess *sess)
{
	struct loop *loop = sess->home->loop;

	if (sess->gone || sess->n_tasks || sess->n_conns || sess->held)
		return;
	sess->gone = true;
	loop_timer_disarm(loop, &sess->patience);
	iscsi_scsi_feed_end(sess);
	iscsi_ripen_end(sess);
	release(sess);
	LIST_REMOVE(sess, link);
	iscsi_depth_look(sess->home);
	sess->mail.run = sess->gone_at_loop0;
	loop_post(loop_set_get(loop_owner(loop), 0), &sess->mail);
}

static bool has_lost_tasks(const struct iscsi_sess *sess)
{
	const struct iscsi_task *task;

	LIST_FOREACH (task, &sess->tasks, link)
		if (is_lost(task))
			return true;
	return false;
}

static struct iscsi_conn *find_conn(const struct iscsi_sess *sess, uint16_t cid)
{
	struct iscsi_conn *conn;

	LIST_FOREACH (conn, &sess->conns, link)
		if (conn->cid == cid)
			return conn;
	return NULL;
}

static void admit_joins(struct iscsi_sess *sess)
{
	struct iscsi_join *join;

	if (has_lost_tasks(sess))
		return;
	loop_timer_disarm(sess->home->loop, &sess->patience);
	LIST_FOREACH (join, &sess->joins, link) {
		if (join->told || find_conn(sess, join->cid))
			continue;
		join->told = true;
		join->ready(join, true);
	}
}

static void rest(struct loop_task *task)
{
	struct iscsi_sess *sess =
		(struct iscsi_sess *)((char *)task - offsetof(struct iscsi_sess, rest));

	if (sess->closing)
		go_when_over(sess);
	else
		admit_joins(sess);
}

static void turn_away(struct iscsi_join *join)
{
	LIST_REMOVE(join, link);
	join->sess = NULL;
	join->ready(join, false);
}

void iscsi_sess_close(struct iscsi_sess *sess, const char *words)
{
	struct loop *loop = sess->home->loop;
	struct iscsi_conn *conn, *next;
	struct iscsi_join *join;

	if (sess->closing)
		return;
	sess->closing = true;
	log_debug(ISCSI, "session %u of %s ends: %s", sess->tsih, sess->initiator, words);
	move(sess, ISCSI_SESS_E_FAILED);
	for (conn = LIST_FIRST(&sess->conns); conn; conn = next) {
		next = LIST_NEXT(conn, link);
		iscsi_conn_kill(conn, ISCSI_CONN_E_SESSION_CLOSED, words);
	}
	abandon_patiently(sess);
	loop_defer_cancel(loop, &sess->opened);
	if (sess->ready)
		sess->ready(sess, false);
	while ((join = LIST_FIRST(&sess->joins)))
		turn_away(join);
}

void iscsi_sess_kill(struct iscsi_sess *sess)
{
	iscsi_sess_close(sess, "ended by force");
	abandon(sess, false);
}

void iscsi_sess_let_go(struct iscsi_sess *sess)
{
	sess->held = false;
	sess->ready = NULL;
	sess->owner = NULL;
	loop_defer(sess->home->loop, &sess->rest);
}

/* ---- connections ----------------------------------------------------------- */

static struct iscsi_join *find_join(const struct iscsi_sess *sess, uint16_t cid)
{
	struct iscsi_join *join;

	LIST_FOREACH (join, &sess->joins, link)
		if (join->cid == cid)
			return join;
	return NULL;
}

/* Level 0: with its connection the session is lost (RFC 7143 7.1.5), but where another
 * is about to take its place. */
static void conn_lost(struct iscsi_conn *conn)
{
	struct iscsi_sess *sess = conn->sess;

	if (sess->closing)
		return;
	if (conn->logged_out || sess->cold || !find_join(sess, conn->cid)) {
		iscsi_sess_close(sess, conn->logged_out ? "logged out" : "its connection is gone");
		return;
	}
	move(sess, ISCSI_SESS_E_FAILED);
	move(sess, ISCSI_SESS_E_CONTINUE);
	abandon_patiently(sess);
}

/* Tasks whose store is slow outlive it. */
static void conn_ended(struct iscsi_conn *conn)
{
	struct iscsi_sess *sess = conn->sess;
	struct iscsi_task *task;

	LIST_FOREACH (task, &sess->tasks, link)
		if (task->conn == conn)
			task->conn = NULL; /* its store has not ended yet */
	LIST_REMOVE(conn, link);
	sess->n_conns--;
	loop_defer(sess->home->loop, &sess->rest);
	iscsi_conn_bury(conn);
}

void iscsi_sess_attach(struct iscsi_sess *sess, struct iscsi_conn *conn,
		       const struct iscsi_conn_start *start)
{
	conn->lost = conn_lost;
	conn->ended = conn_ended;
	LIST_INSERT_HEAD(&sess->conns, conn, link);
	sess->n_conns++;
	if (sess->state == ISCSI_SESS_Q2_ACTIVE) {
		move(sess, ISCSI_SESS_E_FIRST_LOGGED_IN);
		iscsi_count(sess->home, ISCSI_COUNT_sessions, 1);
	} else {
		move(sess, ISCSI_SESS_E_CONTINUED);
		iscsi_count(sess->home, ISCSI_COUNT_conns_reinstated, 1);
	}
	iscsi_conn_begin(conn, start);
}

/* A leading login that is not over, and a session that ends: nobody can come in. */
static bool is_open(const struct iscsi_sess *sess, const struct iscsi_conn *old)
{
	return !sess->closing && !sess->held && !sess->cold && !(old && old->logged_out);
}

bool iscsi_sess_join(struct iscsi_sess *sess, struct iscsi_join *join)
{
	struct iscsi_conn *old = find_conn(sess, join->cid);
	struct iscsi_join *rival = find_join(sess, join->cid);

	if (!is_open(sess, old))
		return false;
	LIST_INSERT_HEAD(&sess->joins, join, link);
	join->sess = sess;
	if (old)
		iscsi_conn_kill(old, ISCSI_CONN_E_REINSTATED, "another login took its place");
	if (rival)
		turn_away(rival);
	loop_defer(sess->home->loop, &sess->rest);
	return true;
}

/* One that has ended and waits for what is armed is none. */
static bool has_live_conn(const struct iscsi_sess *sess)
{
	const struct iscsi_conn *conn;

	LIST_FOREACH (conn, &sess->conns, link)
		if (!conn->dead)
			return true;
	return false;
}

void iscsi_sess_unjoin(struct iscsi_join *join)
{
	struct iscsi_sess *sess = join->sess;

	if (!sess)
		return;
	LIST_REMOVE(join, link);
	join->sess = NULL;
	if (!has_live_conn(sess) && LIST_EMPTY(&sess->joins)) {
		move(sess, ISCSI_SESS_E_NOT_CONTINUED);
		iscsi_sess_close(sess, "the login into it failed");
	}
}

void iscsi_sess_drain(struct iscsi_sess *sess, unsigned within_s)
{
	struct iscsi_conn *conn;

	/* a discovery session is told nothing (7.4.3) */
	if (sess->discovery) {
		iscsi_sess_close(sess, "the gateway stops");
		return;
	}
	LIST_FOREACH (conn, &sess->conns, link)
		iscsi_conn_drain(conn, within_s);
}
