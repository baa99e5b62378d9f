/* SPDX-License-Identifier: BSD-3-Clause
 *
 * nbds_opts.h - the haggling: one function per option, from nbds_opts.tbl.
 *
 * An option's bytes in, replies and an event for the handshake's machine out; no
 * socket.  What was agreed stays in struct nbds_haggle until transmission; a
 * later STARTTLS empties it (nbds_opts_forget) before a byte is read under TLS.
 * Above: nbds_greet.c.  Runs on loop 0, where exports are found (access.h).
 */
#ifndef PROTOCOLS_NBD_NBDS_OPTS_H
#define PROTOCOLS_NBD_NBDS_OPTS_H

#include "gateway/api/access.h"
#include "gateway/api/volume.h"
#include "protocols/nbd/nbds_hs.h"
#include "protocols/nbd/nbds_out.h"
#include "protocols/nbd/nbds_pdu.h"

struct loop;

/* The budget of one handshake (field-notes 7.1: an option costs, a flood ends). */
#define NBDS_OPTIONS_MAX 1000u
#define NBDS_OPTIONS_MAX_BYTES (4u << 20)

enum nbds_opt {
#define OPTION(name, number, function, data, draining) NBDS_OPT_##name = number,
#include "protocols/nbd/nbds_opts.tbl"
#undef OPTION
};

struct nbds_haggle {
	/* the owner's: who is there, and where we are */
	struct gw *gw;
	struct loop *loop; /* loop 0 */
	const struct loop_peer *peer;
	bool draining;
	struct nbds_out out; /* the answers */
	/* spent of the budget */
	uint32_t options, option_bytes;
	/* what was agreed */
	bool no_zeroes, structured, extended, contexts;
	char meta_name[GW_NAME_MAX]; /* for which export contexts were selected */
	/* what was chosen, after NBDS_HS_ON_CHOSEN */
	uint32_t option; /* GO or EXPORT_NAME */
	uint32_t wanted; /* nbds_info bits */
	char name[GW_NAME_MAX];
	struct gw_grant grant; /* held until the handshake is over or haggles on */
};

/* Pays for an option of this head before its data are received.  HEAD or WHOLE:
 * go on; LEAVE: over a bound, the answer is written; OFFENCE: no answer can be. */
enum nbds_hs_event nbds_opts_head(struct nbds_haggle *haggle, const struct nbds_option *option);
/* Runs the option: ANSWERED, CHOSEN, LEAVE or OFFENCE. */
enum nbds_hs_event nbds_opts_run(struct nbds_haggle *haggle, const struct nbds_option *option,
				 const uint8_t *data);

/* ---- on the home loop, after CHOSEN -------------------------------------- */

/* nbdx terms of what was agreed. */
uint32_t nbds_opts_terms(const struct nbds_haggle *haggle, const struct gw_facts *facts);
/* Writes the last answer: JOINED, or OFFENCE where there is no memory for it. */
enum nbds_hs_event nbds_opts_welcome(struct nbds_haggle *haggle, const struct gw_facts *facts);
/* It cannot be joined: REFUSED with an answer, or OFFENCE where there is none
 * (EXPORT_NAME: the session must end). */
enum nbds_hs_event nbds_opts_refuse(struct nbds_haggle *haggle, enum nbds_rep_err code,
				    const char *words);

/* Frees what it holds; any loop. */
void nbds_opts_end(struct nbds_haggle *haggle);
/* Forgets everything that was agreed ("NBD_OPT_STARTTLS"). */
void nbds_opts_forget(struct nbds_haggle *haggle);

#endif
