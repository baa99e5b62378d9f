/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A thread of ours: signals are the main thread's, but for those that a thread raises by
 * what it does.  Where these are blocked the kernel ends the process without asking a
 * handler (drv_copy.h has one).
 */
#ifndef GATEWAY_LOOP_LOOP_THREAD_H
#define GATEWAY_LOOP_LOOP_THREAD_H

#include <pthread.h>

/* 0, or the error's number. */
int loop_thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg);

#endif
