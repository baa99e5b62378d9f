/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_user.h - a simulated client with a will: what it asks, when it leaves,
 * how it comes back; and everything it hears held against the model.
 *
 * A line that lost its connection opens another one after a while and, if told
 * so, first writes the lost ranges again with new stamps.
 */
#ifndef TESTS_SIM_SIM_USER_H
#define TESTS_SIM_SIM_USER_H

#include "tests/sim/sim_call.h"

struct sim_user *sim_user_new(struct sim_net *net, struct sim_model *model, unsigned id,
			      const struct loop_addr *addr, const struct sim_nbd_cfg *cfg,
			      const struct sim_habits *habits, uint64_t budget);
void sim_user_free(struct sim_user **user);

/* Connects and begins. */
void sim_user_start(struct sim_user *user);
/* No new command and no new connection. */
void sim_user_stop(struct sim_user *user);
/* It sent all that it wanted, and everything is answered or over. */
bool sim_user_idle(const struct sim_user *user);
/* Every connection ends: orderly, or not. */
void sim_user_hang_up(struct sim_user *user, bool orderly);

/* One command by hand, on the first line that is ready; false: none is, or it is
 * at its depth. */
bool sim_user_write(struct sim_user *user, uint64_t first, uint32_t count, bool fua);
bool sim_user_read(struct sim_user *user, uint64_t first, uint32_t count);
bool sim_user_flush(struct sim_user *user);
/* A line is connected and through its handshake. */
bool sim_user_ready(const struct sim_user *user);
unsigned sim_user_in_flight(const struct sim_user *user);

#endif
