/* SPDX-License-Identifier: BSD-3-Clause
 *
 * sta.h - scripted AoE stations: they send the frames that a test writes down, and keep
 * what comes back.
 *
 * Written from AoEr11 alone, without our codecs.  Runs over fuzz_stack.h: the real core
 * and file store over the simulated driver and Ethernet, on which nothing goes wrong
 * unless the test says so.
 */
#ifndef TESTS_UNIT_PROTOCOLS_AOE_STA_H
#define TESTS_UNIT_PROTOCOLS_AOE_STA_H

#include "tests/fuzz/fuzz_stack.h"

#define STA_MAX 700u
#define STA_IMAGE (4u << 20)
#define STA_READ 0x24u /* READ SECTORS EXT */
#define STA_WRITE 0x34u
#define STA_TRIM 0x06u

struct sta_frame {
	unsigned station;
	size_t len;
	struct sta_frame *next;
	uint8_t at[];
};

struct sta {
	struct fuzz_stack stack;
	struct sim_iface *iface[SIM_AOE_IFACES];
	struct sim_station *station[STA_MAX];
	struct sta_frame *first; /* what came and was not taken, in its order */
};

/* All up, with AoE on cfg->aoe interfaces; stations join when they first send. */
void sta_up(struct sta *sta, uint64_t seed, const struct fuzz_stack_cfg *cfg);
/* Takes all down; the simulation must have found nothing. */
void sta_down(struct sta *sta);
void sta_run(struct sta *sta, uint64_t for_ns);

/* From station `from` to that interface. */
void sta_send(struct sta *sta, unsigned from, unsigned iface, uint8_t command, uint32_t tag,
	      const void *arg, size_t n);
/* An ATA command of 48 bits; data: count sectors, all of this byte (of writes). */
void sta_ata(struct sta *sta, unsigned from, unsigned iface, uint32_t tag, uint8_t op, uint64_t lba,
	     uint8_t count, uint8_t fill);
/* Query Config: 0 reads the string, 3 sets it, 4 sets it whatever it was. */
void sta_string(struct sta *sta, unsigned from, uint32_t tag, uint8_t command, const char *text);
/* MAC Mask List: adds (1) or deletes (2) the stations first .. first + n - 1. */
void sta_mask(struct sta *sta, unsigned from, uint32_t tag, uint8_t directive, unsigned first,
	      unsigned n);
/* Reserve: the list is n stations from there on. */
void sta_reserve(struct sta *sta, unsigned from, uint32_t tag, unsigned first, unsigned n);
void sta_mac(unsigned station, uint8_t mac[6]);

/* The answer with this tag, waited for up to a minute; it must come.  Valid until the
 * next call. */
const struct sta_frame *sta_take(struct sta *sta, uint32_t tag);
/* How many of what has come have this tag; they stay. */
unsigned sta_count(const struct sta *sta, uint32_t tag);
void sta_forget(struct sta *sta);
/* A read of one sector is answered with this byte all over. */
void sta_expect(struct sta *sta, unsigned from, uint32_t tag, uint64_t lba, uint8_t fill);
/* A counter of the front end, over all loops. */
uint64_t sta_counter(struct sta *sta, const char *name);

#endif
