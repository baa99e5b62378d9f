/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_reg.h - the register of sessions: who is logged in where, by the names that
 * RFC 7143 4.2.5 makes unique (initiator, ISID, target).
 *
 * Everything on loop 0, where logins run.  A session stays in it until all of its
 * tasks have ended, so that a login that takes its place waits for that.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_REG_H
#define PROTOCOLS_ISCSI_ISCSI_REG_H

#include "protocols/iscsi/iscsi_state.h"

#define ISCSI_REG_MAX 4096u /* sessions */

struct iscsi_reg {
	struct loop *loop; /* loop 0 */
	struct iscsi_sess_list sessions;
	unsigned n;
	uint16_t last_tsih;
	void (*changed)(void *arg); /* one has gone */
	void *arg;
};

/* Who waits for the end of a session; embedded in a login. */
struct iscsi_heir {
	TAILQ_ENTRY(iscsi_heir) link;
	struct iscsi_sess *waits_for; /* null: for nobody */
	void (*over)(struct iscsi_heir *heir);
};

void iscsi_reg_init(struct iscsi_reg *reg, struct loop *loop);
/* Null: there is none. */
struct iscsi_sess *iscsi_reg_find(const struct iscsi_reg *reg, struct iscsi_slice initiator,
				  const uint8_t isid[6], const char *target);
/* Gives it its TSIH; false: the register is full. */
bool iscsi_reg_add(struct iscsi_reg *reg, struct iscsi_sess *sess);
/* Tells the session to end; over() when it has (heir may be null). */
void iscsi_reg_end(struct iscsi_sess *sess, struct iscsi_heir *heir);
/* A login goes to this session's home: what it finds there may have ended, but not be
 * freed, until it leaves. */
void iscsi_reg_visit(struct iscsi_sess *sess);
void iscsi_reg_leave(struct iscsi_sess *sess);
/* It waits no longer. */
void iscsi_reg_disown(struct iscsi_heir *heir);

#endif
