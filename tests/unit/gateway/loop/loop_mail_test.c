/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The letter box: order per sender with four of them, nothing lost, nobody
 * left asleep.
 */
#include "config.h"

#include "tests/harness/harness.h"

#include <pthread.h>
#include <semaphore.h>

#include "gateway/loop/loop_mail.h"

#define SENDERS 4
#define LETTERS 50000

struct letter {
	struct loop_mail mail;
	int sender, number;
};

static struct loop_mail_box box;
static struct letter letters[SENDERS][LETTERS];
static sem_t bell;

static void *sender(void *arg)
{
	struct letter *mine = arg;

	for (int i = 0; i < LETTERS; i++)
		if (loop_mail_put(&box, &mine[i].mail))
			sem_post(&bell);
	return NULL;
}

/* Reads all there is; returns how many. */
static int read_all(int *next)
{
	int n = 0;

	for (struct loop_mail *mail = loop_mail_take(&box); mail; mail = mail->next) {
		struct letter *letter = (struct letter *)mail;

		assert_int_equal(letter->number, next[letter->sender]++);
		n++;
	}
	return n;
}

static void four_senders(void **state)
{
	pthread_t thread[SENDERS];
	int next[SENDERS] = { 0 }, total = 0;

	(void)state;
	loop_mail_init(&box);
	sem_init(&bell, 0, 0);
	for (int s = 0; s < SENDERS; s++) {
		for (int i = 0; i < LETTERS; i++)
			letters[s][i] = (struct letter){ .sender = s, .number = i };
		assert_int_equal(pthread_create(&thread[s], NULL, sender, letters[s]), 0);
	}
	while (total < SENDERS * LETTERS) {
		total += read_all(next);
		if (total < SENDERS * LETTERS && loop_mail_sleep(&box)) {
			sem_wait(&bell); /* a lost wake-up hangs here */
			loop_mail_awake(&box);
		}
	}
	for (int s = 0; s < SENDERS; s++)
		pthread_join(thread[s], NULL);
	assert_false(loop_mail_waiting(&box));
}

static void rings_only_for_a_sleeper(void **state)
{
	struct loop_mail a = { 0 }, b = { 0 };

	(void)state;
	loop_mail_init(&box);
	assert_null(loop_mail_take(&box));
	assert_false(loop_mail_put(&box, &a)); /* awake: no need */
	assert_false(loop_mail_sleep(&box)); /* something is there */
	assert_ptr_equal(loop_mail_take(&box), &a);
	assert_true(loop_mail_sleep(&box));
	assert_true(loop_mail_put(&box, &a)); /* the first rings */
	assert_false(loop_mail_put(&box, &b)); /* once is enough */
	loop_mail_awake(&box);
	assert_ptr_equal(loop_mail_take(&box), &a);
	assert_ptr_equal(a.next, &b);
	assert_null(b.next);
}

HARNESS_MAIN(cmocka_unit_test(four_senders), cmocka_unit_test(rings_only_for_a_sleeper))
