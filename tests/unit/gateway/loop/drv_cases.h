/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The cases that every real driver must pass; drv_uring_test.c and
 * drv_aio_test.c run the same lists.
 */
#ifndef TESTS_UNIT_GATEWAY_LOOP_DRV_CASES_H
#define TESTS_UNIT_GATEWAY_LOOP_DRV_CASES_H

#include "tests/unit/gateway/loop/rig.h"

#define DRV_CASES_SOCK(X)                                                              \
	X(echo) X(receives_all) X(end_of_stream) X(half_close) X(sends_it_all)         \
	X(many_iovecs) X(both_ways_at_once) X(peer_is_gone) X(shut_ends_both)          \
	X(cancel_waiting_recv) X(cancel_recv_with_data) X(cancel_part_of_all)          \
	X(cancel_idle) X(cancel_accept) X(cancel_poll) X(cancel_from_done)             \
	X(accepts_many) X(accept_fails) X(polls) X(nonblocking_socket)                 \
	X(moves_to_a_new_place) X(more_than_the_queue) X(empty_send)

#define DRV_CASES_FILE(X)                                                              \
	X(reads_what_it_wrote) X(end_of_file) X(holes) X(direct) X(direct_end)         \
	X(durable) X(sync_clears_dirty) X(scattered) X(many_at_once) X(bad_file)       \
	X(read_only_file) X(runs_jobs) X(many_jobs) X(uncached)

#define DRV_CASES_LOOP(X)                                                              \
	X(timers_fire) X(tasks_run) X(task_rounds) X(mail_to_myself) X(wakes_up)       \
	X(mail_between_loops) X(idle_sleeps) X(slow_turns) X(chooses_the_idle)         \
	X(is_at_home) X(random_and_clock)

#define DRV_CASE_DECLARE(name) void name(void **state);
DRV_CASES_SOCK(DRV_CASE_DECLARE)
DRV_CASES_FILE(DRV_CASE_DECLARE)
DRV_CASES_LOOP(DRV_CASE_DECLARE)

#define DRV_CASE_ROW(name) cmocka_unit_test(name),
#define DRV_CASES                                                                      \
	DRV_CASES_SOCK(DRV_CASE_ROW) DRV_CASES_FILE(DRV_CASE_ROW) DRV_CASES_LOOP(DRV_CASE_ROW)

#endif
