/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sim_iscsi_login.c - login requests, one after the other, and what was agreed.
 *
 *   [security ─▶] operational, in one request or several ─▶ full feature phase
 */
#include "config.h"

#include "tests/sim/sim_iscsi_login.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_iscsi_rx.h"
#include "tests/sim/sim_iscsi_tx.h"

#define TARGET "iqn.2026-11.org.sluice:disk"

enum { SECURITY, OPERATIONAL, FULL = 3 };

static void want_answer(struct sim_iscsi *n);

/* ---- asking ------------------------------------------------------------- */

static void add(struct sim_iscsi *n, const char *key, const char *value)
{
	n->text_bytes += (uint32_t)snprintf(n->text + n->text_bytes,
					    sizeof(n->text) - n->text_bytes, "%s=%s", key, value) +
			 1;
}

static void add_number(struct sim_iscsi *n, const char *key, uint32_t value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	add(n, key, text);
}

static void add_names(struct sim_iscsi *n)
{
	char name[64];

	snprintf(name, sizeof(name), "iqn.2026-11.org.example:sim%u", n->cfg.port);
	add(n, "InitiatorName", name);
	add(n, "SessionType", "Normal");
	add(n, "TargetName", TARGET);
}

static void add_keys(struct sim_iscsi *n)
{
	add(n, "HeaderDigest", n->cfg.header_digest ? "CRC32C,None" : "None");
	add(n, "DataDigest", n->cfg.data_digest ? "CRC32C,None" : "None");
	add_number(n, "MaxRecvDataSegmentLength", n->cfg.recv_max);
	if (n->cfg.tsih) /* the others are for the leading login only (13) */
		return;
	add(n, "InitialR2T", n->cfg.initial_r2t ? "Yes" : "No");
	add(n, "ImmediateData", n->cfg.immediate ? "Yes" : "No");
	add_number(n, "MaxBurstLength", n->cfg.max_burst);
	add_number(n, "FirstBurstLength", n->cfg.first_burst);
	add_number(n, "MaxOutstandingR2T", n->cfg.max_r2t);
	add_number(n, "DefaultTime2Wait", 2);
	add_number(n, "DefaultTime2Retain", 0);
	add(n, "ErrorRecoveryLevel", "0");
	add_number(n, "MaxConnections", 1);
	add(n, "DataPDUInOrder", "Yes");
	add(n, "DataSequenceInOrder", "Yes");
}

/* One request with a part of the text; nsg: OPERATIONAL or FULL to go there. */
static void ask(struct sim_iscsi *n, uint32_t bytes, bool more, unsigned nsg)
{
	uint8_t bhs[SIM_BHS] = { SIM_LOGIN | SIM_IMMEDIATE };

	bhs[1] = (uint8_t)(n->csg << 2 | (nsg ? SIM_FINAL | nsg : 0) | (more ? 0x40 : 0));
	memcpy(bhs + 8, n->cfg.isid, 6);
	sim_put16(bhs + 14, n->cfg.tsih);
	sim_put32(bhs + 24, n->cmdsn);
	sim_put32(bhs + 28, n->exp_statsn);
	sim_iscsi_put(n, bhs, (const uint8_t *)n->text + n->text_at, bytes);
	n->text_at += bytes;
	n->more = more;
	if (n->phase != SIM_ISCSI_OVER)
		want_answer(n);
}

/* The rest of the text, or a part of it by the style. */
static void ask_on(struct sim_iscsi *n)
{
	uint32_t left = n->text_bytes - n->text_at, part = left;

	if (n->csg == SECURITY) {
		ask(n, left, false, OPERATIONAL);
		return;
	}
	if (n->cfg.style == SIM_STYLE_CONTINUED && left > 8) {
		part = 1 + (uint32_t)sim_rng_below(&n->world->rng, left - 1);
		ask(n, part, true, 0);
		return;
	}
	if (n->cfg.style == SIM_STYLE_PARTS && n->text_at == 0) { /* the names must come first */
		part = 0;
		for (unsigned keys = (unsigned)sim_rng_between(&n->world->rng, 3, 10);
		     keys && part < left; keys--)
			part += (uint32_t)strlen(n->text + part) + 1;
		ask(n, part, false, 0);
		return;
	}
	ask(n, left, false, FULL);
}

/* ---- what was agreed ---------------------------------------------------- */

/* The target's value; null: it said nothing. */
static const char *heard(const struct sim_iscsi *n, const char *key)
{
	size_t len = strlen(key);

	for (const char *p = n->heard; p < n->heard + n->heard_bytes; p += strlen(p) + 1)
		if (strncmp(p, key, len) == 0 && p[len] == '=')
			return p + len + 1;
	return NULL;
}

static bool is(const struct sim_iscsi *n, const char *key, const char *value)
{
	const char *said = heard(n, key);

	return said && strcmp(said, value) == 0;
}

static uint32_t number_of(const struct sim_iscsi *n, const char *key, uint32_t otherwise)
{
	const char *said = heard(n, key);

	return said && said[0] >= '0' && said[0] <= '9' ? (uint32_t)strtoul(said, NULL, 0)
							: otherwise;
}

/* The lower of both; more than we offered is an offence. */
static void agree(struct sim_iscsi *n, const char *key, uint32_t *value)
{
	uint32_t said = number_of(n, key, 0);

	if (!said || said > *value)
		sim_iscsi_offence(n, "%s=%u, offered was %u", key, said, *value);
	*value = said;
}

static void agree_digest(struct sim_iscsi *n, const char *key, bool *on)
{
	const char *wanted = *on ? "CRC32C" : "None";

	/* The target knows CRC32C, and takes the first of ours (13.1). */
	if (!is(n, key, wanted))
		sim_iscsi_offence(n, "%s=%s, not %s", key, heard(n, key), wanted);
}

static void agree_session(struct sim_iscsi *n)
{
	struct sim_iscsi_cfg *cfg = &n->cfg;

	if ((cfg->initial_r2t && !is(n, "InitialR2T", "Yes")) ||
	    (!cfg->immediate && !is(n, "ImmediateData", "No")))
		sim_iscsi_offence(n, "InitialR2T=%s, ImmediateData=%s", heard(n, "InitialR2T"),
				  heard(n, "ImmediateData"));
	cfg->initial_r2t = !is(n, "InitialR2T", "No");
	cfg->immediate = is(n, "ImmediateData", "Yes");
	agree(n, "MaxBurstLength", &cfg->max_burst);
	agree(n, "MaxOutstandingR2T", &cfg->max_r2t);
	if (!(cfg->initial_r2t && !cfg->immediate))
		agree(n, "FirstBurstLength", &cfg->first_burst);
	if (cfg->first_burst > cfg->max_burst)
		sim_iscsi_offence(n, "FirstBurstLength=%u over MaxBurstLength=%u", cfg->first_burst,
				  cfg->max_burst);
}

static void agree_connection(struct sim_iscsi *n)
{
	struct sim_iscsi_cfg *cfg = &n->cfg;

	agree_digest(n, "HeaderDigest", &cfg->header_digest);
	agree_digest(n, "DataDigest", &cfg->data_digest);
	n->target_max = number_of(n, "MaxRecvDataSegmentLength", 8192);
	if (cfg->send_max > n->target_max)
		cfg->send_max = n->target_max;
	if (!is(n, "TargetPortalGroupTag", "1"))
		sim_iscsi_offence(n, "no TargetPortalGroupTag");
}

/* What the connection before it sent, and the target has not seen in order, is lost at
 * level 0; its numbers are used again. */
static void go_on_from(struct sim_iscsi *n)
{
	if (sim_sn_before(n->exp_cmdsn, n->cfg.acked_cmdsn) ||
	    sim_sn_before(n->cmdsn, n->exp_cmdsn) || n->tsih != n->cfg.tsih)
		sim_iscsi_offence(n, "session %#x: ExpCmdSN %u, it went from %u to %u", n->tsih,
				  n->exp_cmdsn, n->cfg.acked_cmdsn, n->cmdsn);
	n->cmdsn = n->exp_cmdsn;
}

static void full_feature_phase(struct sim_iscsi *n)
{
	n->exp_cmdsn = sim_get32(n->head + 28);
	n->max_cmdsn = sim_get32(n->head + 32);
	n->tsih = sim_get16(n->head + 14);
	if (n->cfg.tsih)
		go_on_from(n);
	else if (n->exp_cmdsn != n->cmdsn || sim_sn_before(n->max_cmdsn + 1, n->exp_cmdsn))
		sim_iscsi_offence(n, "ExpCmdSN %u after a login with %u", n->exp_cmdsn, n->cmdsn);
	else if (!n->tsih)
		sim_iscsi_offence(n, "no TSIH");
	else
		agree_session(n);
	if (n->phase != SIM_ISCSI_OVER)
		agree_connection(n);
	if (n->phase != SIM_ISCSI_OVER)
		n->logged_in(n);
}

/* ---- answers ------------------------------------------------------------ */

static void on_text(struct sim_iscsi *n)
{
	unsigned nsg = n->head[1] & 3;
	bool transit = n->head[1] & SIM_FINAL, cont = n->head[1] & 0x40;

	if (n->heard_bytes + n->data_bytes >= sizeof(n->heard)) {
		sim_iscsi_offence(n, "more than %zu bytes of text", sizeof(n->heard));
		return;
	}
	memcpy(n->heard + n->heard_bytes, n->data, n->data_bytes);
	n->heard_bytes += n->data_bytes;
	if (n->more && (transit || n->data_bytes)) {
		sim_iscsi_offence(n, "an answer to a text that goes on");
	} else if (cont) {
		ask(n, 0, false, 0);
	} else if (transit && nsg == FULL) {
		full_feature_phase(n);
	} else if (transit) {
		n->csg = nsg;
		n->text_at = n->text_bytes = 0;
		add_keys(n);
		ask_on(n);
	} else {
		ask_on(n);
	}
}

static void on_answer(struct sim_iscsi *n)
{
	const uint8_t *h = n->head;
	uint32_t bytes = sim_get24(h + 5);

	n->data_bytes = bytes;
	if ((h[0] & 0x3f) != SIM_LOGIN_RESPONSE || bytes > 8192 || h[4])
		sim_iscsi_offence(n, "a login answered with opcode %#x, %u bytes", h[0], bytes);
	else if (h[36]) { /* not now: it ends, is full, or the volume is away */
		sim_note(n->world, SIM_TR_CLIENT, n->id, n->phase, sim_get16(h + 36));
		if (h[36] != 3 && sim_get16(h + 36) != 0x0203 &&
		    !(n->cfg.tsih && sim_get16(h + 36) == 0x020a)) /* it has ended */
			sim_iscsi_offence(n, "login refused with %#x", sim_get16(h + 36));
		n->refused = true;
		sim_iscsi_close(n);
	} else if (memcmp(h + 8, n->cfg.isid, 6) != 0 || (h[1] >> 2 & 3) != n->csg ||
		   (n->step && sim_get32(h + 24) != n->exp_statsn))
		sim_iscsi_offence(n, "a login answered with stages %#x, StatSN %u", h[1],
				  sim_get32(h + 24));
	else {
		n->step++;
		n->exp_statsn = sim_get32(h + 24) + 1;
		sim_iscsi_want_data(n, bytes + sim_pad(bytes), on_text);
	}
}

static void want_answer(struct sim_iscsi *n)
{
	sim_iscsi_want(n, n->head, SIM_BHS, on_answer);
}

void sim_iscsi_login_begin(struct sim_iscsi *n, void (*ready)(struct sim_iscsi *iscsi))
{
	n->logged_in = ready;
	n->asked_ns = n->world->now_ns;
	n->csg = n->cfg.style == SIM_STYLE_SECURITY ? SECURITY : OPERATIONAL;
	add_names(n);
	if (n->csg == SECURITY)
		add(n, "AuthMethod", "None");
	else
		add_keys(n);
	ask_on(n);
}
