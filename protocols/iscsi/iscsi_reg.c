/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_reg.c - the register of sessions.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_reg.h"

#include <string.h>

#include "gateway/loop/loop_set.h"
#include "protocols/iscsi/iscsi_sess.h"

void iscsi_reg_init(struct iscsi_reg *reg, struct loop *loop)
{
	reg->loop = loop;
	LIST_INIT(&reg->sessions);
}

struct iscsi_sess *iscsi_reg_find(const struct iscsi_reg *reg, struct iscsi_slice initiator,
				  const uint8_t isid[6], const char *target)
{
	struct iscsi_sess *sess;

	LIST_FOREACH (sess, &reg->sessions, entry)
		if (!memcmp(sess->isid, isid, sizeof(sess->isid)) &&
		    strlen(sess->initiator) == initiator.len &&
		    !memcmp(sess->initiator, initiator.at, initiator.len) &&
		    !strcmp(sess->target, target))
			return sess;
	return NULL;
}

static bool is_taken(const struct iscsi_reg *reg, uint16_t tsih)
{
	const struct iscsi_sess *sess;

	LIST_FOREACH (sess, &reg->sessions, entry)
		if (sess->tsih == tsih)
			return true;
	return !tsih; /* 0 is "none" (11.12.6) */
}

static void end_others(struct iscsi_reg *reg, const struct iscsi_sess *sess)
{
	struct iscsi_sess *other;

	LIST_FOREACH (other, &reg->sessions, entry)
		if (other != sess && !strcmp(other->target, sess->target))
			iscsi_reg_end(other, NULL);
}

/* Its end may have been asked for while its own last letter was on the way. */
static void free_when_over(struct iscsi_sess *sess)
{
	struct iscsi_reg *reg = sess->home->reg;

	if (!sess->buried || sess->ending != sess->end_heard || sess->visitors)
		return;
	iscsi_sess_unmake(&sess);
	reg->n--;
	if (reg->changed)
		reg->changed(reg->arg);
}

static void gone(struct loop_mail *mail)
{
	struct iscsi_sess *sess =
		(struct iscsi_sess *)((char *)mail - offsetof(struct iscsi_sess, mail));
	struct iscsi_heir *heir;

	LIST_REMOVE(sess, entry);
	if (sess->cold)
		end_others(sess->home->reg, sess);
	while ((heir = TAILQ_FIRST(&sess->heirs))) {
		iscsi_reg_disown(heir);
		heir->over(heir);
	}
	loop_set_load(sess->home->loop, -1);
	sess->buried = true;
	free_when_over(sess);
}

bool iscsi_reg_add(struct iscsi_reg *reg, struct iscsi_sess *sess)
{
	if (reg->n >= ISCSI_REG_MAX)
		return false;
	while (is_taken(reg, ++reg->last_tsih))
		;
	sess->tsih = reg->last_tsih;
	sess->gone_at_loop0 = gone;
	LIST_INSERT_HEAD(&reg->sessions, sess, entry);
	reg->n++;
	loop_set_load(sess->home->loop, 1);
	return true;
}

void iscsi_reg_visit(struct iscsi_sess *sess)
{
	sess->visitors++;
}

void iscsi_reg_leave(struct iscsi_sess *sess)
{
	sess->visitors--;
	free_when_over(sess);
}

static struct iscsi_sess *of_end_mail(struct loop_mail *mail)
{
	return (struct iscsi_sess *)((char *)mail - offsetof(struct iscsi_sess, end_mail));
}

static void end_heard(struct loop_mail *mail)
{
	struct iscsi_sess *sess = of_end_mail(mail);

	sess->end_heard = true;
	free_when_over(sess);
}

static void end_at_home(struct loop_mail *mail)
{
	struct iscsi_sess *sess = of_end_mail(mail);

	if (!sess->gone)
		iscsi_sess_close(sess, "another login took its place");
	mail->run = end_heard;
	loop_post(loop_set_get(loop_owner(sess->home->loop), 0), mail);
}

void iscsi_reg_end(struct iscsi_sess *sess, struct iscsi_heir *heir)
{
	if (heir) {
		heir->waits_for = sess;
		TAILQ_INSERT_TAIL(&sess->heirs, heir, link);
	}
	if (sess->ending)
		return;
	sess->ending = true;
	sess->end_mail.run = end_at_home;
	loop_post(sess->home->loop, &sess->end_mail);
}

void iscsi_reg_disown(struct iscsi_heir *heir)
{
	if (!heir->waits_for)
		return;
	TAILQ_REMOVE(&heir->waits_for->heirs, heir, link);
	heir->waits_for = NULL;
}
