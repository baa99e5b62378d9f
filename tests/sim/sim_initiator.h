/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_initiator.h - a simulated iSCSI initiator with a will: what it asks, when it
 * loses patience, how it comes back; and all that it hears held against the model.
 *
 * It always comes back with its ISID, so the target has to end what is left of the
 * session before; or by that session's TSIH, too: then it is the connection that ends.
 * A command without an answer is aborted after a while; where not even that is answered,
 * the initiator drops the session and logs in again.
 */
#ifndef TESTS_SIM_SIM_INITIATOR_H
#define TESTS_SIM_SIM_INITIATOR_H

#include "tests/sim/sim_sitting.h"

struct sim_initiator *sim_initiator_new(struct sim_net *net, struct sim_model *model, unsigned id,
					const struct loop_addr *addr,
					const struct sim_iscsi_cfg *cfg,
					const struct sim_manners *manners, uint64_t budget);
void sim_initiator_free(struct sim_initiator **initiator);

/* Connects and begins. */
void sim_initiator_start(struct sim_initiator *initiator);
/* No new command and no new session. */
void sim_initiator_stop(struct sim_initiator *initiator);
/* It sent all that it wanted, and everything is answered or over. */
bool sim_initiator_idle(const struct sim_initiator *initiator);
bool sim_initiator_ready(const struct sim_initiator *initiator);
unsigned sim_initiator_in_flight(const struct sim_initiator *initiator);

#endif
