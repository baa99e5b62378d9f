/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Threads and signals (loop_thread.h).
 */
#include "config.h"

#include "gateway/loop/loop_thread.h"

#include <signal.h>

#include "gateway/base/table.h"

int loop_thread_start(pthread_t *thread, void *(*run)(void *arg), void *arg)
{
	static const int own[] = { SIGBUS, SIGSEGV, SIGFPE, SIGILL, SIGTRAP, SIGSYS };
	sigset_t others, before;
	int rc;

	sigfillset(&others);
	for (size_t i = 0; i < TABLE_LEN(own); i++)
		sigdelset(&others, own[i]);
	pthread_sigmask(SIG_SETMASK, &others, &before);
	rc = pthread_create(thread, NULL, run, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc;
}
