/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_reg.c - the register of sessions.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_reg.h"

#include <string.h>

#include "gateway/loop/loop_set.h"
#include "protocols/iscsi/iscsi_sess.h"

void iscsi_reg_init(struct iscsi_reg *reg)
{
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

static struct iscsi_sess *of_mail(struct loop_mail *mail)
{
	return (struct iscsi_sess *)((char *)mail - offsetof(struct iscsi_sess, mail));
}

static void forget(struct loop_mail *mail)
{
	struct iscsi_sess *sess = of_mail(mail);
	struct iscsi_reg *reg = sess->home->reg;
	struct iscsi_heir *heir;

	LIST_REMOVE(sess, entry);
	reg->n--;
	while ((heir = TAILQ_FIRST(&sess->heirs))) {
		iscsi_reg_disown(heir);
		heir->over(heir);
	}
	loop_set_load(sess->home->loop, -1);
	iscsi_sess_unmake(&sess);
	if (reg->changed)
		reg->changed(reg->arg);
}

static void follow(struct loop_mail *mail)
{
	struct iscsi_sess *sess = of_mail(mail);

	mail->run = forget;
	loop_post(loop_set_get(loop_owner(sess->home->loop), 0), mail);
}

/* The order to end may still be on its way to a session that has gone by itself.
 * Mail from one loop to another keeps its order, so this letter follows that one,
 * and whatever it finds at home may be freed when it is back. */
static void gone(struct loop_mail *mail)
{
	struct iscsi_sess *sess = of_mail(mail);

	if (!sess->ending) {
		forget(mail);
		return;
	}
	mail->run = follow;
	loop_post(sess->home->loop, mail);
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

static void end_at_home(struct loop_mail *mail)
{
	struct iscsi_sess *sess =
		(struct iscsi_sess *)((char *)mail - offsetof(struct iscsi_sess, end_mail));

	if (!sess->gone)
		iscsi_sess_close(sess, "another login took its place");
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
