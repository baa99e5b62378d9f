/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_login.h - the login phase of one connection as a machine without time,
 * sockets or knowledge of targets: a request in, a response and a verdict out.
 *
 *	iscsi_login_begin()
 *	      |
 *	      v            request of the initiator
 *	  +-> iscsi_login_request() --> SEND, DONE, REFUSED, or
 *	  |        |
 *	  |        +-> NEEDS_TARGET: the caller reads the names, ISID, TSIH and CID in
 *	  |            struct iscsi_login, asks who may do what (this may take time),
 *	  |            and goes on with iscsi_login_target() --> SEND, DONE, REFUSED
 *	  +--- SEND: the caller sends response and text, and waits for the next request
 *
 * DONE: the caller puts the TSIH of a new session, and the numbers of a session
 * that is joined, into the response, sends it, and is in full feature phase.
 * REFUSED: the response is sent and the connection closed.  A caller that cannot
 * keep what DONE promised calls iscsi_login_refuse() instead.
 *
 * NEEDS_TARGET comes exactly once, at the first request whose C bit is 0, for
 * discovery sessions as well.  One login owns its buffers from begin to the end.
 * Deadlines are the caller's.  Below: iscsi_keys, iscsi_text, iscsi_pdu.
 */
#ifndef PROTOCOLS_ISCSI_ISCSI_LOGIN_H
#define PROTOCOLS_ISCSI_ISCSI_LOGIN_H

#include <stdbool.h>
#include <stdint.h>

#include "protocols/iscsi/iscsi.h"
#include "protocols/iscsi/iscsi_keys.h"
#include "protocols/iscsi/iscsi_pdu.h"
#include "protocols/iscsi/iscsi_text.h"

#define ISCSI_LOGIN_ROUNDS_MAX 32u /* texts of one login; 6.2 wants 6 at least */
#define ISCSI_LOGIN_PIECES_MAX 16384u /* requests that continue a text (C), empty ones too */

/* ---- authentication: a method is a row ------------------------------------- */

enum iscsi_auth {
	ISCSI_AUTH_MORE, /* the peer has something to send first */
	ISCSI_AUTH_DONE,
	ISCSI_AUTH_FAILED
};

/*
 * A method of AuthMethod (12.1).  ctx is the caller's, one per login.  Both calls
 * are pure, as the login is.  A method without `turn` is done when it was chosen.
 * The first `turn` comes with the request that chose it, perhaps before any pair.
 */
struct iscsi_login_method {
	const char *name; /* as in AuthMethod */
	/* A pair of the security stage that is no key of iscsi_keys.tbl, after the
	 * method was chosen.  False: not a key of this method. */
	bool (*pair)(void *ctx, const struct iscsi_text_pair *pair);
	/* All pairs of a request are in; appends the method's own. */
	enum iscsi_auth (*turn)(void *ctx, struct iscsi_text_out *out);
	void *ctx;
};

/* "None". */
extern const struct iscsi_login_method iscsi_login_none;

/* ---- what the caller knows ------------------------------------------------- */

struct iscsi_login_setup {
	uint8_t *text_in, *text_out; /* ISCSI_TEXT_MAX_BYTES each, until the login ends */
	uint32_t statsn; /* of the first response */
};

/* What the login wants of the sessions there are (6.3.1). */
enum iscsi_login_way {
	ISCSI_LOGIN_NEW, /* a session */
	ISCSI_LOGIN_REINSTATE, /* a session in the place of the one with this ISID */
	ISCSI_LOGIN_JOIN, /* a connection to the session */
	ISCSI_LOGIN_REPLACE /* a connection in the place of the one with this CID */
};

/*
 * The answer to NEEDS_TARGET.  status other than ISCSI_LOGIN_OK refuses: nothing
 * else is read, but `address` at a class of 1 (redirection; without portal group
 * tag, 13.8).  Everything is copied or used at once but wants and methods, which
 * live as long as the login.
 */
struct iscsi_login_target {
	enum iscsi_login_status status;
	const char *address;
	const struct iscsi_wants *wants;
	uint16_t portal_group;
	/* What this initiator may choose from; if "None" is not there he must
	 * authenticate. */
	const struct iscsi_login_method *const *methods;
	unsigned n_methods;
	/* The session of this initiator name, ISID, target and portal group: */
	bool session; /* there is one; else the rest is not read */
	uint16_t session_tsih;
	bool session_has_cid; /* with a connection of this CID */
	const struct iscsi_params *session_params;
};

/* ---- the machine ----------------------------------------------------------- */

enum iscsi_login_next {
	ISCSI_LOGIN_SEND,
	ISCSI_LOGIN_NEEDS_TARGET,
	ISCSI_LOGIN_DONE,
	ISCSI_LOGIN_REFUSED
};

/* What is to be sent; the text is response.data_bytes long, in setup->text_out.
 * ExpCmdSN and MaxCmdSN are the CmdSN of the request; what the window really is the
 * caller says at DONE. */
struct iscsi_login_answer {
	struct iscsi_login_response response;
	const uint8_t *text;
	enum iscsi_neg_fault fault; /* at REFUSED: why; NONE if the caller wished it */
};

struct iscsi_login {
	/* For the caller, valid from NEEDS_TARGET on; names: iscsi_keys_...name(). */
	uint8_t isid[6];
	uint16_t tsih, cid;
	uint32_t cmdsn; /* of the first request: where a new session's window begins */
	uint32_t old_statsn; /* ExpStatSN of the first request (11.12.9) */
	bool discovery;
	enum iscsi_login_way way; /* from iscsi_login_target() on */
	bool authenticated; /* by a method other than None */
	uint32_t statsn; /* of the next response: at DONE the connection goes on with it */
	struct iscsi_keys keys; /* keys.now: the parameters, at DONE */

	/* The machine's own. */
	enum iscsi_stage stage;
	bool started, target_known, finished;
	uint32_t itt;
	uint32_t rounds, pieces;
	struct iscsi_pdu request; /* that is being answered */
	struct iscsi_login_setup setup;
	struct iscsi_text_join in;
	struct iscsi_text_out out;
	const struct iscsi_login_method *const *methods;
	unsigned n_methods;
	const struct iscsi_login_method *method; /* chosen */
	bool auth_done;
	uint16_t portal_group;
};

void iscsi_login_begin(struct iscsi_login *login, const struct iscsi_login_setup *setup);

/*
 * A PDU arrived; text: its pdu->data_bytes, copied.  What is no Login Request ends
 * the login, too.  answer is filled unless NEEDS_TARGET is returned.  After DONE
 * and REFUSED: no more calls but iscsi_login_refuse().
 */
enum iscsi_login_next iscsi_login_request(struct iscsi_login *login, const struct iscsi_pdu *pdu,
					  const uint8_t *text, struct iscsi_login_answer *answer);

/* Goes on after NEEDS_TARGET; never returns that. */
enum iscsi_login_next iscsi_login_target(struct iscsi_login *login,
					 const struct iscsi_login_target *target,
					 struct iscsi_login_answer *answer);

/* The caller's refusal, at any time after the first request; also for a header that
 * iscsi_pdu_get() did not take (then the task tag is that of the first request). */
void iscsi_login_refuse(struct iscsi_login *login, enum iscsi_login_status status,
			struct iscsi_login_answer *answer);

#endif
