/* SPDX-License-Identifier: BSD-3-Clause
 *
 * iscsi_conn_test.c - whole connections against a plain model: reads and writes at
 * random, data in all ways and cut anywhere, much memory and the least, disks that
 * stall and fail, initiators that vanish.
 */
#include "config.h"

#include "protocols/iscsi/iscsi_conn.h"

#include <string.h>

#include "tests/harness/harness.h"
#include "tests/unit/protocols/iscsi/ini.h"

#define SLOTS 24u
#define TAG 0x100u

struct slot {
	bool busy, write;
	uint32_t offset, bytes, got; /* got: of a read */
	uint32_t unasked_from, unasked_to, sn; /* unsolicited data that is still to send */
};

struct mix {
	struct ini ini;
	struct sim_rng rng;
	uint32_t first_burst, longest;
	bool immediate, unsolicited, may_fail;
	struct slot slot[SLOTS];
	unsigned n_busy, done, failed;
	uint8_t model[INI_IMAGE];
};

static struct mix m;

static uint32_t rnd(uint32_t n)
{
	return (uint32_t)sim_rng_below(&m.rng, n);
}

/* ---- sending --------------------------------------------------------------- */

static bool choose(struct slot *s)
{
	s->bytes = (uint32_t)sim_rng_log(&m.rng, 1, m.longest / INI_BLOCK) * INI_BLOCK;
	s->offset = rnd((INI_IMAGE - s->bytes) / INI_BLOCK + 1) * INI_BLOCK;
	for (unsigned k = 0; k < SLOTS; k++)
		if (m.slot[k].busy && s->offset < m.slot[k].offset + m.slot[k].bytes &&
		    m.slot[k].offset < s->offset + s->bytes)
			return false;
	return true;
}

static void start(unsigned k)
{
	struct slot s = { .busy = true, .write = rnd(2) };
	uint32_t now = 0, most;
	bool more = false;

	if (!choose(&s))
		return;
	m.n_busy++;
	if (!s.write) {
		m.slot[k] = s;
		ini_read(&m.ini, TAG + k, s.offset / INI_BLOCK, s.bytes / INI_BLOCK);
		return;
	}
	for (uint32_t at = 0; at < s.bytes; at++)
		m.model[s.offset + at] = (uint8_t)(at + k + m.done * 7 + at / 509);
	most = s.bytes < m.first_burst ? s.bytes : m.first_burst;
	if (m.immediate && rnd(3))
		now = rnd(2) ? most : rnd(most / 4) * 4;
	if (m.unsolicited && now < most && rnd(2)) {
		more = true;
		s.unasked_from = now;
		s.unasked_to = most;
	}
	m.slot[k] = s;
	ini_write(&m.ini, TAG + k, more ? 0 : INI_FINAL, s.offset / INI_BLOCK, s.bytes / INI_BLOCK,
		  m.model + s.offset, now);
}

static uint32_t cut(uint32_t left)
{
	uint32_t most = left < INI_SEGMENT ? left : INI_SEGMENT;

	return rnd(3) ? most : 1 + rnd(most);
}

/* Unsolicited data may come long after its command. */
static bool send_unasked(void)
{
	unsigned first = rnd(SLOTS);

	for (unsigned n = 0; n < SLOTS; n++) {
		unsigned k = (first + n) % SLOTS;
		struct slot *s = &m.slot[k];
		uint32_t left = s->unasked_to - s->unasked_from, bytes;

		if (!s->busy || !left)
			continue;
		bytes = cut(left);
		ini_data_out(&m.ini, TAG + k, INI_NO_TAG, s->sn++, s->unasked_from,
			     m.model + s->offset + s->unasked_from, bytes, bytes == left);
		s->unasked_from += bytes;
		return true;
	}
	return false;
}

static void bring(const struct slot *s)
{
	const struct ini_pdu *p = &m.ini.pdu;
	uint32_t at = 0;

	assert_true(s->busy && s->write && s->unasked_from == s->unasked_to);
	assert_true(p->w44 && p->w40 + p->w44 <= s->bytes);
	for (uint32_t sn = 0; at < p->w44; sn++) {
		uint32_t bytes = cut(p->w44 - at);

		ini_data_out(&m.ini, p->itt, p->ttt, sn, p->w40 + at,
			     m.model + s->offset + p->w40 + at, bytes, at + bytes == p->w44);
		at += bytes;
	}
}

/* ---- what comes ------------------------------------------------------------ */

static void finish(struct slot *s)
{
	if (m.ini.pdu.status) {
		assert_true(m.may_fail);
		m.failed++;
	} else {
		assert_true(s->write || s->got == s->bytes);
		assert_int_equal(m.ini.pdu.w44, 0);
	}
	assert_true(s->unasked_from == s->unasked_to);
	s->busy = false;
	m.n_busy--;
	m.done++;
}

static void take(void)
{
	const struct ini_pdu *p = &m.ini.pdu;
	struct slot *s;

	if (!ini_any(&m.ini))
		fail_msg("%u commands are never answered", m.n_busy);
	if (p->opcode == INI_NOP_IN)
		return; /* our next request is answer enough */
	assert_true(p->itt >= TAG && p->itt < TAG + SLOTS);
	s = &m.slot[p->itt - TAG];
	assert_true(s->busy);
	switch (p->opcode) {
	case INI_R2T:
		bring(s);
		return;
	case INI_DATA_IN:
		assert_true(!s->write && p->w40 == s->got && s->got + p->n <= s->bytes);
		if (!m.may_fail)
			assert_memory_equal(p->data, m.model + s->offset + s->got, p->n);
		s->got += p->n;
		if (p->flags & 1)
			finish(s);
		return;
	case INI_RESPONSE:
		finish(s);
		return;
	default:
		fail_msg("opcode %02x", p->opcode);
	}
}

static void run(unsigned commands)
{
	while (m.done < commands) {
		unsigned k = rnd(SLOTS);

		if (!m.slot[k].busy && (int32_t)(m.ini.max_cmdsn - m.ini.cmdsn) >= 0)
			start(k);
		if (rnd(2))
			send_unasked();
		if (m.ini.client.len >= 48 || m.n_busy == SLOTS || (m.n_busy && !rnd(3))) {
			while (m.n_busy == SLOTS && send_unasked())
				;
			if (m.ini.client.len >= 48 || !send_unasked())
				take();
		}
	}
	while (send_unasked())
		;
	while (m.n_busy)
		take();
}

/* ---- runs ------------------------------------------------------------------ */

static const char *const keys[] = {
	"InitialR2T=No|MaxOutstandingR2T=4|",
	"InitialR2T=Yes|ImmediateData=No|FirstBurstLength=4096|MaxBurstLength=4096|",
	"InitialR2T=No|ImmediateData=No|MaxOutstandingR2T=4|FirstBurstLength=8192|"
	"MaxBurstLength=16384|MaxRecvDataSegmentLength=4096|HeaderDigest=CRC32C|",
	"InitialR2T=Yes|ImmediateData=Yes|MaxOutstandingR2T=2|FirstBurstLength=512|"
	"MaxBurstLength=1048576|MaxRecvDataSegmentLength=262144|DataDigest=CRC32C|",
};
static const uint32_t first_burst[] = { 65536, 4096, 8192, 512 };

static void up(unsigned kind, uint64_t seed, const struct fuzz_stack_cfg *cfg, uint32_t longest)
{
	memset(&m, 0, sizeof(m));
	sim_rng_seed(&m.rng, seed);
	m.first_burst = first_burst[kind];
	m.immediate = !strstr(keys[kind], "ImmediateData=No");
	m.unsolicited = strstr(keys[kind], "InitialR2T=No");
	m.longest = longest;
	ini_up(&m.ini, seed, cfg);
}

static void in(unsigned kind)
{
	static const uint8_t test_unit_ready[16];

	assert_int_equal(ini_login(&m.ini, keys[kind]), 0);
	ini_command(&m.ini, 0x01, 1, INI_FINAL, 0, test_unit_ready, NULL, 0);
	ini_ends(&m.ini, 1, 2, 0x2900);
}

static void mix(const struct fuzz_stack_cfg *cfg, uint32_t longest, unsigned commands)
{
	for (unsigned kind = 0; kind < 4; kind++)
		for (uint64_t seed = 1; seed <= 2; seed++) {
			up(kind, seed * 5 + kind, cfg, longest);
			in(kind);
			run(commands);
			ini_end(&m.ini);
		}
}

static const struct fuzz_stack_cfg plenty = { .loops = 1 };
static const struct fuzz_stack_cfg scarce = { .loops = 2,
					      .pool_bytes = GW_POOL_MIN_BYTES,
					      .requests = 6 };

static void much(void **state)
{
	mix(&plenty, 128 << 10, 80);
}

static void little(void **state)
{
	mix(&scarce, 128 << 10, 80);
}

static void large(void **state)
{
	mix(&scarce, 2 << 20, 8);
}

/* The shared part of the pool is held by another session that brings nothing: what
 * this one was promised is enough to go on. */
static void on_the_promise_alone(void **state)
{
	static struct ini other;

	for (unsigned kind = 0; kind < 4; kind++) {
		up(kind, kind + 3, &scarce, 256 << 10);
		in(kind);
		ini_join(&other, &m.ini, 2,
			 "InitialR2T=Yes|ImmediateData=No|"
			 "MaxBurstLength=1048576|MaxOutstandingR2T=4|");
		for (unsigned k = 0; k < 60; k++)
			ini_write(&other, 10 + k, INI_FINAL, 0, 2048, NULL, 0);
		fuzz_stack_run(m.ini.stack, SIM_S);
		run(30);
		ini_hang_up(&other);
		ini_end(&m.ini);
	}
}

static void failing_disks(void **state)
{
	for (unsigned kind = 0; kind < 4; kind++) {
		up(kind, kind + 20, &scarce, 256 << 10);
		in(kind);
		m.may_fail = true;
		m.ini.stack->host->disk->lend_odds = 0; /* it must tell, not end */
		m.ini.stack->host->disk->faults =
			(struct sim_disk_faults){ 1500, 1500, 0, 1000, SIM_MS, 300 * SIM_MS };
		run(100);
		assert_true(m.failed > 5);
		ini_hang_up(&m.ini);
		fuzz_stack_down(m.ini.stack); /* the last flush may tell of lost writes */
	}
}

/* Gone at any moment with all in flight, and back. */
static void vanishing(void **state)
{
	up(0, 77, &scarce, 512 << 10);
	for (unsigned n = 0; n < 100; n++) {
		in(0);
		m.ini.stack->host->disk->faults =
			(struct sim_disk_faults){ 0, 0, 0, 3000, SIM_MS, 3 * SIM_S };
		for (unsigned k = 0; k < 16; k++) {
			start(k);
			send_unasked();
		}
		fuzz_stack_run(m.ini.stack, rnd(40 * SIM_MS));
		fuzz_client_close(&m.ini.client, n & 1);
		memset(m.slot, 0, sizeof(m.slot));
		m.n_busy = 0;
		m.ini.stack->host->disk->faults = (struct sim_disk_faults){ 0 };
		if (n % 10 == 9)
			fuzz_stack_run(m.ini.stack, 20 * SIM_S);
	}
	in(0);
	ini_end(&m.ini);
}

/* One that sends and sends and reads nothing, then reads all. */
static void slow_reader(void **state)
{
	up(0, 5, &scarce, 1 << 20);
	in(0);
	sim_net_pause(m.ini.client.conn, true);
	for (unsigned k = 0; k < SLOTS && (int32_t)(m.ini.max_cmdsn - m.ini.cmdsn) >= 0; k++)
		start(k);
	while (send_unasked())
		;
	fuzz_stack_run(m.ini.stack, 10 * SIM_S);
	sim_net_pause(m.ini.client.conn, false);
	while (m.n_busy)
		take();
	ini_end(&m.ini);
}

HARNESS_MAIN(cmocka_unit_test(much), cmocka_unit_test(little), cmocka_unit_test(large),
	     cmocka_unit_test(on_the_promise_alone), cmocka_unit_test(failing_disks),
	     cmocka_unit_test(vanishing), cmocka_unit_test(slow_reader))
