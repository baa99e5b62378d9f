/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_ripen.h - what a function on many tasks waits for before it acts (RFC 7143
 * 4.2.3.3 a, b): data that the initiator was asked for, and commands before it in the
 * order of CmdSN that have not come.
 *
 * Meanwhile its tasks ask for nothing more, and commands after it wait behind it.  Not
 * for ever: initiators that send no data once they have aborted are in wide use (those
 * of open-iscsi unless they are told otherwise).
 * Above: iscsi_ffp.c, iscsi_tmf.c.  Below: iscsi_state.h.  Home loop.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_RIPEN_H
#define PROTOCOLS_ISCSI_ISCSI_RIPEN_H

#include "protocols/iscsi/iscsi_state.h"

#define ISCSI_RIPEN_S 2

/* unblocked: commands may go on. */
void iscsi_ripen_init(struct iscsi_sess *sess, void (*unblocked)(struct iscsi_sess *sess));
void iscsi_ripen_end(struct iscsi_sess *sess);
/* True: the function waits, and ripe() comes later, never from inside.  all: it is about
 * the tasks of all units, not of its own alone; then no command is waited for. */
bool iscsi_ripen_wait(struct iscsi_task *tmf, bool all, void (*ripe)(struct iscsi_task *tmf));
/* Something that is waited for may have come. */
static inline void iscsi_ripen_look(struct iscsi_sess *sess)
{
	if (!TAILQ_EMPTY(&sess->ripening))
		loop_defer(sess->home->loop, &sess->ripen);
}
/* Whether this command must stay behind a function that waits. */
bool iscsi_ripen_holds(const struct iscsi_task *task);
/* What has not come before this function never will. */
void iscsi_ripen_plug(struct iscsi_task *tmf);

#endif
