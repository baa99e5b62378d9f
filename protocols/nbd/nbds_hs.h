/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_hs.h - the states of a handshake and the table of its moves; pure.
 *
 * (state, event) gives (state, action); nbds_greet.c acts.  A pair without a row
 * is the peer's offence (or a late echo): the connection ends.
 *
 *   GREETING ─sent─▶ FLAGS ─flags─▶ OPTION ◀──────sent────── REPLY
 *                                     │ ▲                      ▲
 *                                  head│ └────────────────┐     │answered
 *                                     ▼                   │     │
 *                                   DATA ─whole─▶ HAGGLE ─┴─────┤
 *                                                  │ │          │refused
 *                                            leave │ │ chosen   │
 *                                                  ▼ ▼          │
 *                            LEAVING ◀───────  (ack) JOIN ──────┘
 *                               │sent                 │joined
 *                               ▼                     ▼
 *                             ENDED               WELCOME ─sent─▶ MOVED (transmission)
 */
#ifndef PROTOCOLS_NBD_NBDS_HS_H
#define PROTOCOLS_NBD_NBDS_HS_H

#define NBDS_HS_STATES(STATE)                                          \
	STATE(GREETING) /* our greeting is on its way */               \
	STATE(FLAGS) /* waiting for the client flags */                \
	STATE(OPTION) /* waiting for the head of an option */          \
	STATE(DATA) /* waiting for the data of an option */            \
	STATE(HAGGLE) /* the option is whole; its function runs */     \
	STATE(REPLY) /* the answer is on its way */                    \
	STATE(LEAVING) /* the last answer is on its way, then close */ \
	STATE(JOIN) /* an export was chosen; the nexus is opened */    \
	STATE(WELCOME) /* its last answer is on its way */             \
	STATE(MOVED) /* transmission has begun: not ours any more */   \
	STATE(ENDED) /* to be closed */

#define NBDS_HS_EVENTS(EVENT)                                            \
	EVENT(SENT) /* what was to be sent has left */                   \
	EVENT(FLAGS) /* client flags came and are known */               \
	EVENT(HEAD) /* the head of an option came: it has data */        \
	EVENT(WHOLE) /* the option is complete */                        \
	EVENT(ANSWERED) /* the option's function wrote its replies */    \
	EVENT(CHOSEN) /* the option was GO or EXPORT_NAME, and may be */ \
	EVENT(LEAVE) /* the option was ABORT, or was the last straw */   \
	EVENT(JOINED) /* the nexus is there, the last answer written */  \
	EVENT(REFUSED) /* it could not be joined; an error is written */ \
	EVENT(OFFENCE) /* the peer breaks the protocol */                \
	EVENT(GONE) /* end of stream or a broken socket */               \
	EVENT(LATE) /* the deadline has passed */                        \
	EVENT(DRAIN) /* we are shutting down */

enum nbds_hs_state {
#define STATE(name) NBDS_HS_##name,
	NBDS_HS_STATES(STATE)
#undef STATE
		NBDS_HS_STATE_COUNT
};

enum nbds_hs_event {
#define EVENT(name) NBDS_HS_ON_##name,
	NBDS_HS_EVENTS(EVENT)
#undef EVENT
		NBDS_HS_EVENT_COUNT
};

enum nbds_hs_action {
	NBDS_HS_ACT_NONE, /* stay as it is */
	NBDS_HS_ACT_RECV_FLAGS, /* receive exactly the client flags */
	NBDS_HS_ACT_RECV_OPTION, /* ... the head of an option */
	NBDS_HS_ACT_RECV_DATA, /* ... its data */
	NBDS_HS_ACT_HAGGLE, /* run the option's function */
	NBDS_HS_ACT_SEND, /* send what was written */
	NBDS_HS_ACT_JOIN, /* go to the home loop and open the nexus */
	NBDS_HS_ACT_BEGIN, /* transmission */
	NBDS_HS_ACT_CLOSE /* end the connection */
};

struct nbds_hs_move {
	enum nbds_hs_state state;
	enum nbds_hs_action action;
};

/* Any pair, also such that cannot be: ENDED and CLOSE. */
struct nbds_hs_move nbds_hs_next(enum nbds_hs_state state, enum nbds_hs_event event);
const char *nbds_hs_state_name(enum nbds_hs_state state);
const char *nbds_hs_event_name(enum nbds_hs_event event);

#endif
