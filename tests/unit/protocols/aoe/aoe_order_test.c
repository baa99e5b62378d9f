/* SPDX-License-Identifier: BSD-3-Clause
 *
 * aoe_order_test.c - late writes are kept away, and good ones never.
 *
 * The second half plays clients of several kinds against a network that repeats and
 * holds back frames, and looks at what is left on the disk.
 */
#include "config.h"

#include "protocols/aoe/aoe_order.h"

#include "tests/harness/harness.h"

#define WRITE 0x34
#define SECOND 1000000000ll

static struct aoe_order order;

static struct aoe_mac mac(unsigned i)
{
	return (struct aoe_mac){ { 0x02, 0, 0, 0, (uint8_t)(i >> 8), (uint8_t)i } };
}

static struct aoe_order_write make(unsigned who, uint32_t tag, uint64_t lba, uint32_t n, int64_t at)
{
	return (struct aoe_order_write){ mac(who), tag, WRITE, lba, n, { at } };
}

static struct aoe_order_ticket ticket;
static struct aoe_order_answer answer;

static enum aoe_order_verdict see(unsigned who, uint32_t tag, uint64_t lba, uint32_t n, int64_t at)
{
	struct aoe_order_write write = make(who, tag, lba, n, at);

	return aoe_order_seen(&order, &write, &ticket, &answer);
}

static void end(uint8_t status)
{
	struct aoe_order_answer how = { .ata = { .status = status } };

	aoe_order_ended(&order, &ticket, &how);
}

/* Must run, and ends at once. */
static void run(unsigned who, uint32_t tag, uint64_t lba, uint32_t n, int64_t at)
{
	assert_int_equal(see(who, tag, lba, n, at), AOE_ORDER_RUN);
	end(0x40);
}

static int begin(void **state)
{
	aoe_order_begin(&order, AOE_ORDER_MEMORY);
	return 0;
}

/* ---- twice the same ----------------------------------------------------------- */

static void under_way(void **state)
{
	assert_int_equal(see(1, 7, 0, 8, 1), AOE_ORDER_RUN);
	assert_int_equal(see(1, 7, 0, 8, 2), AOE_ORDER_UNDER_WAY);
	/* However long it takes. */
	assert_int_equal(see(1, 7, 0, 8, 1000 * SECOND), AOE_ORDER_UNDER_WAY);
	end(0x40);
	assert_int_equal(see(1, 7, 0, 8, 1001 * SECOND), AOE_ORDER_RUN);
}

/* Each of the numbers tells them apart. */
static void not_the_same(void **state)
{
	struct aoe_order_write other = make(1, 7, 0, 8, 2);

	assert_int_equal(see(1, 7, 0, 8, 1), AOE_ORDER_RUN);
	assert_int_equal(see(2, 7, 0, 8, 2), AOE_ORDER_RUN);
	assert_int_equal(see(1, 8, 0, 8, 2), AOE_ORDER_RUN);
	assert_int_equal(see(1, 7, 1, 8, 2), AOE_ORDER_RUN);
	assert_int_equal(see(1, 7, 0, 7, 2), AOE_ORDER_RUN);
	other.command = 0x30;
	assert_int_equal(aoe_order_seen(&order, &other, &ticket, &answer), AOE_ORDER_RUN);
}

/* Nothing lies over it: to run again does no harm. */
static void again(void **state)
{
	run(1, 7, 0, 8, 1);
	run(1, 8, 8, 8, 2); /* beside it */
	run(1, 7, 0, 8, 3);
	run(1, 7, 0, 8, 4);
}

static void late(void **state)
{
	assert_int_equal(see(1, 7, 0, 8, 1), AOE_ORDER_RUN);
	answer = (struct aoe_order_answer){ .error = 3,
					    .ata = { 0x41, 0x04, 0x02, 0x51, 0x123456 } };
	aoe_order_ended(&order, &ticket, &(struct aoe_order_answer){ answer.error, answer.ata });
	run(1, 8, 0, 8, 2);
	memset(&answer, 0, sizeof(answer));
	assert_int_equal(see(1, 7, 0, 8, 3), AOE_ORDER_REPEAT);
	assert_int_equal(answer.error, 3);
	assert_int_equal(answer.ata.flags, 0x41);
	assert_int_equal(answer.ata.error, 0x04);
	assert_int_equal(answer.ata.count, 0x02);
	assert_int_equal(answer.ata.status, 0x51);
	assert_int_equal(answer.ata.lba, 0x123456);
	assert_int_equal(see(1, 7, 0, 8, 4), AOE_ORDER_REPEAT); /* as often as it comes */
	run(1, 9, 0, 8, 5);
}

/* Only what overlaps counts; one sector is enough, at either end. */
static void overlapping(void **state)
{
	for (uint64_t lba = 90; lba < 120; lba++)
		for (uint32_t n = 1; n < 16; n++) {
			bool over = lba < 108 && lba + n > 100;

			begin(state);
			run(1, 7, 100, 8, 1);
			run(1, 8, lba, n, 2);
			assert_int_equal(see(1, 7, 100, 8, 3),
					 over ? AOE_ORDER_REPEAT : AOE_ORDER_RUN);
		}
}

/* The newer one is under way still, or came from another interface or client. */
static void over_it(void **state)
{
	run(1, 7, 0, 8, 1);
	assert_int_equal(see(1, 8, 4, 1, 2), AOE_ORDER_RUN);
	assert_int_equal(see(1, 7, 0, 8, 3), AOE_ORDER_REPEAT);
	run(1, 9, 100, 8, 4);
	run(2, 9, 100, 8, 5);
	assert_int_equal(see(1, 9, 100, 8, 6), AOE_ORDER_REPEAT);
	run(2, 9, 100, 8, 7); /* nothing lies over this one */
}

/* The end of a 48 bit LBA. */
static void last_sectors(void **state)
{
	uint64_t last = (1ull << 48) - 1;

	run(1, 7, last - 7, 8, 1);
	run(1, 8, last, 1, 2);
	assert_int_equal(see(1, 7, last - 7, 8, 3), AOE_ORDER_REPEAT);
}

/* A write that never ran is as if it had never come. */
static void forgotten(void **state)
{
	run(1, 7, 0, 8, 1);
	assert_int_equal(see(1, 8, 0, 8, 2), AOE_ORDER_RUN);
	aoe_order_forget(&order, &ticket);
	run(1, 7, 0, 8, 3);
	run(1, 8, 0, 8, 4);
}

/* A ticket of a write that was overwritten since changes nothing. */
static void old_ticket(void **state)
{
	struct aoe_order_ticket first;

	assert_int_equal(see(1, 1, 0, 8, 1), AOE_ORDER_RUN);
	first = ticket;
	for (uint32_t i = 0; i < AOE_ORDER_WRITES; i++)
		assert_int_equal(see(1, 100 + i, 1000 + i, 1, 2), AOE_ORDER_RUN);
	aoe_order_ended(&order, &first, &(struct aoe_order_answer){ .error = 9 });
	aoe_order_forget(&order, &first);
	assert_int_equal(see(1, 100 + AOE_ORDER_WRITES - 1, 1000 + AOE_ORDER_WRITES - 1, 1, 3),
			 AOE_ORDER_UNDER_WAY);
	/* Ended twice: the first answer stays. */
	end(0x40);
	end(0x51);
	run(1, 9, 1000 + AOE_ORDER_WRITES - 1, 1, 3);
	assert_int_equal(see(1, 100 + AOE_ORDER_WRITES - 1, 1000 + AOE_ORDER_WRITES - 1, 1, 3),
			 AOE_ORDER_REPEAT);
	assert_int_equal(answer.ata.status, 0x40);
}

/* ---- bounds ------------------------------------------------------------------- */

/* Of one that may run but had to wait: as long as nothing newer over it has begun. */
static void still(void **state)
{
	struct aoe_order_ticket first, second;

	assert_int_equal(see(1, 7, 0, 8, 1), AOE_ORDER_RUN);
	first = ticket;
	run(1, 8, 8, 8, 2); /* beside it */
	assert_true(aoe_order_still(&order, &first));
	assert_int_equal(see(2, 7, 7, 1, 3), AOE_ORDER_RUN);
	second = ticket;
	assert_true(aoe_order_still(&order, &first));
	aoe_order_begun(&order, &second);
	assert_false(aoe_order_still(&order, &first));
	assert_true(aoe_order_still(&order, &second));
	aoe_order_forget(&order, &second); /* which never ran */
	assert_true(aoe_order_still(&order, &first));
	for (unsigned i = 0; i < AOE_ORDER_WRITES; i++)
		run(1, 100 + i, 100, 1, 4);
	assert_false(aoe_order_still(&order, &first)); /* who can tell? */
}

static void remembers_so_many(void **state)
{
	run(1, 7, 0, 8, 1);
	for (uint32_t i = 0; i < AOE_ORDER_WRITES - 1; i++)
		run(1, 100 + i, 4, 1, 2);
	assert_int_equal(see(1, 7, 0, 8, 3), AOE_ORDER_REPEAT);
	run(1, 99, 4, 1, 4);
	run(1, 7, 0, 8, 5); /* forgotten: said in the header */
}

static void remembers_so_long(void **state)
{
	run(1, 7, 0, 8, 1);
	run(1, 8, 0, 8, 2);
	assert_int_equal(see(1, 7, 0, 8, 1 + AOE_ORDER_MEMORY.ns), AOE_ORDER_REPEAT);
	run(1, 7, 0, 8, 2 + AOE_ORDER_MEMORY.ns);
}

static void remembers_so_many_sources(void **state)
{
	for (unsigned who = 0; who < AOE_ORDER_SOURCES; who++) {
		run(who, 7, who * 8, 8, 1);
		run(who, 8, who * 8, 8, 2);
	}
	run(0, 9, 5000, 8, 3); /* not silent any more */
	run(100, 7, 6000, 8, 4); /* takes the place of 1 */
	assert_int_equal(see(0, 7, 0, 8, 5), AOE_ORDER_REPEAT);
	assert_int_equal(see(2, 7, 16, 8, 5), AOE_ORDER_REPEAT);
	run(1, 7, 8, 8, 5);
	run(2, 7, 16, 8, 6); /* and 1 that of 2 */
}

/* ---- overtaken ---------------------------------------------------------------- */

static void waited(void **state)
{
	run(1, 7, 0, 8, 100);
	assert_int_equal(see(1, 6, 0, 8, 99), AOE_ORDER_OVERTAKEN);
	assert_int_equal(see(2, 6, 7, 1, 99), AOE_ORDER_OVERTAKEN); /* by its other interface */
	run(1, 6, 8, 8, 99); /* elsewhere */
	run(1, 5, 0, 8, 100); /* not before it */
	/* Sent again, it comes later. */
	run(1, 6, 0, 8, 101);
	/* At the same moment as one over it, and before one elsewhere. */
	run(1, 8, 50, 1, 200);
	run(1, 9, 0, 8, 101);
}

/* Overtaken at its first coming it was not entered: the next is a new one. */
static void overtaken_then_again(void **state)
{
	run(1, 7, 0, 8, 100);
	assert_int_equal(see(2, 6, 0, 8, 50), AOE_ORDER_OVERTAKEN);
	assert_int_equal(see(2, 6, 0, 8, 60), AOE_ORDER_OVERTAKEN);
	assert_int_equal(see(2, 6, 0, 8, 200), AOE_ORDER_RUN);
	assert_int_equal(see(2, 6, 0, 8, 201), AOE_ORDER_UNDER_WAY);
}

/* ---- good clients lose nothing -------------------------------------------------- */

/* A, B, A to one place, under tags of every kind that a client may use. */
static void a_b_a(void **state)
{
	static const uint32_t tags[][3] = {
		{ 1, 2, 3 },	      { 3, 2, 1 }, { 0, 0, 0 },
		{ UINT32_MAX, 0, 1 }, { 1, 1, 2 }, { 1, 2, 2 },
	};

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		begin(state);
		for (int round = 0; round < 3; round++)
			run(1, tags[i][round], 0, 8, 1 + round);
	}
}

/* One tag for everything, and ranges that overlap: its tags say nothing. */
static void one_tag(void **state)
{
	run(1, 7, 0, 8, 1);
	run(1, 7, 4, 8, 2);
	run(1, 7, 0, 8, 3);
	run(1, 7, 4, 8, 4);
	run(1, 7, 2, 1, 5);
	run(1, 7, 0, 8, 6);
}

/* A tag for each of two slots, given out again and again. */
static void few_tags(void **state)
{
	run(1, 0, 100, 8, 1);
	run(1, 1, 200, 8, 2);
	run(1, 0, 300, 8, 3); /* from here on it is known */
	for (int64_t i = 0; i < 100; i++)
		run(1, i & 1, i % 3 ? 0 : 4, 8, 4 + i);
}

/* To be so is forgotten when it does not show any more; late ones are seen again. */
static void reforms(void **state)
{
	int64_t later = 2 * AOE_ORDER_MEMORY.ns;

	run(1, 7, 0, 8, 1);
	run(1, 7, 8, 8, 2);
	run(1, 20, 0, 8, later);
	run(1, 21, 0, 8, later + 1);
	assert_int_equal(see(1, 20, 0, 8, later + 2), AOE_ORDER_REPEAT);
}

/* Linux comes round to a tag after a minute, and is not taken for one of these. */
static void comes_round(void **state)
{
	int64_t round = 65 * SECOND;

	run(1, 7, 0, 8, 1);
	run(1, 7, 8, 8, round);
	run(1, 8, 8, 8, round + 1);
	assert_int_equal(see(1, 7, 8, 8, round + 2), AOE_ORDER_REPEAT);
}

static void bounded(void **state)
{
	assert_in_range(sizeof(order), 1, 256 << 10);
}

/* ---- a client, a network and a disk ------------------------------------------- */

static uint64_t seed;

static uint32_t dice(uint32_t sides)
{
	seed = seed * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(seed >> 33) % sides;
}

/* Sectors with the number of the write that lies on them. */
static unsigned disk[32], wanted[32];

static void put(unsigned *sectors, const struct aoe_order_write *write, unsigned n)
{
	for (uint32_t i = 0; i < write->sectors; i++)
		sectors[write->lba + i] = n;
}

/* Frames of old that the network still holds, each a copy. */
#define HELD 40
static struct {
	struct aoe_order_write write;
	unsigned number;
} held[HELD];

static bool deliver(const struct aoe_order_write *write, unsigned number)
{
	enum aoe_order_verdict verdict = aoe_order_seen(&order, write, &ticket, &answer);

	if (verdict == AOE_ORDER_RUN) {
		put(disk, write, number);
		end(0x40);
	}
	return verdict == AOE_ORDER_RUN || verdict == AOE_ORDER_REPEAT;
}

static void start_over(void)
{
	begin(NULL);
	memset(disk, 0, sizeof(disk));
	memset(wanted, 0, sizeof(wanted));
}

static void hold(const struct aoe_order_write *write, unsigned number)
{
	held[number % HELD].write = *write;
	held[number % HELD].number = number;
}

/* Delivers one of the last HELD frames that were held, as it comes at that time. */
static bool let_go(unsigned newest, int64_t at)
{
	unsigned back = newest - dice(newest < HELD ? newest : HELD);
	struct aoe_order_write write = held[back % HELD].write;

	if (at)
		write.arrived.ns = at;
	return deliver(&write, held[back % HELD].number);
}

/* One write after the other, each answered before the next; between them come copies
 * of any that went before.  The disk must hold what the client wrote, always. */
static void copies_undo_nothing(void **state)
{
	for (uint64_t first = 1; first < 200; first++) {
		seed = first;
		start_over();
		for (unsigned n = 1; n < 300; n++) {
			uint32_t lba = dice(24), sectors = 1 + dice(8);
			struct aoe_order_write write = make(dice(2), n, lba, sectors, n * 10);

			assert_true(deliver(&write, n));
			put(wanted, &write, n);
			hold(&write, n);
			assert_true(let_go(n, n * 10 + 5)); /* it is answered, at least */
			assert_memory_equal(disk, wanted, sizeof(disk));
		}
	}
}

/* Frames that wait in the queue of one interface while the client, out of patience,
 * sends again by another, under a new tag, and goes on. */
static void queues_undo_nothing(void **state)
{
	for (uint64_t first = 1; first < 200; first++) {
		seed = first;
		start_over();
		for (unsigned n = 1; n < 200; n++) {
			uint32_t lba = dice(24), sectors = 1 + dice(8);
			struct aoe_order_write stuck = make(1, 2 * n, lba, sectors, n * 10);
			struct aoe_order_write again = make(2, 2 * n + 1, lba, sectors, n * 10 + 2);

			assert_true(deliver(&again, n));
			put(wanted, &again, n);
			hold(&stuck, n);
			assert_false(let_go(n, 0));
			assert_memory_equal(disk, wanted, sizeof(disk));
		}
	}
}

#define CASE(name) cmocka_unit_test_setup(name, begin)

HARNESS_MAIN(CASE(under_way), CASE(not_the_same), CASE(again), CASE(late), CASE(overlapping),
	     CASE(over_it), CASE(last_sectors), CASE(forgotten), CASE(old_ticket), CASE(still),
	     CASE(remembers_so_many), CASE(remembers_so_long), CASE(remembers_so_many_sources),
	     CASE(waited), CASE(overtaken_then_again), CASE(a_b_a), CASE(one_tag), CASE(few_tags),
	     CASE(reforms), CASE(comes_round), CASE(bounded), CASE(copies_undo_nothing),
	     CASE(queues_undo_nothing))
