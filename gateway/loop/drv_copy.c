/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The copy, and who stands up for it (drv_copy.h).
 */
#include "config.h"

#include "gateway/loop/drv_copy.h"

#ifdef __x86_64__

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

/* The labels below must stand in the program once. */
#if __has_attribute(noclone)
#define ONCE __attribute__((noinline, noclone))
#else
#define ONCE __attribute__((noinline))
#endif

/* The copy's one instruction, and the one behind it. */
extern const char drv_copy_at[], drv_copy_behind[];

static struct sigaction before;

static void no_page(int number, siginfo_t *info, void *context)
{
	greg_t *regs = ((ucontext_t *)context)->uc_mcontext.gregs;

	if (info->si_code > 0 && (uintptr_t)regs[REG_RIP] == (uintptr_t)drv_copy_at) {
		regs[REG_RIP] = (greg_t)(uintptr_t)drv_copy_behind;
		return;
	}
	/* To whom it belongs: it comes again at once, or is sent again. */
	sigaction(number, &before, NULL);
	if (info->si_code <= 0 || info->si_code == BUS_MCEERR_AO)
		raise(number);
}

bool drv_copy_ready(void)
{
	struct sigaction action = { .sa_sigaction = no_page, .sa_flags = SA_SIGINFO }, old;

	sigemptyset(&action.sa_mask);
	if (sigaction(SIGBUS, &action, &old))
		return false;
	if (old.sa_sigaction != no_page)
		before = old;
	return true;
}

/* Where it stops at a page, RCX says how much was left. */
ONCE bool drv_copy(void *to, const void *from, size_t bytes)
{
	__asm__ volatile(".globl drv_copy_at, drv_copy_behind\n"
			 "drv_copy_at:\trep movsb\n"
			 "drv_copy_behind:"
			 : "+D"(to), "+S"(from), "+c"(bytes)
			 :
			 : "memory");
	return !bytes;
}

#else

bool drv_copy_ready(void)
{
	return false;
}

bool drv_copy(void *to, const void *from, size_t bytes)
{
	(void)to;
	(void)from;
	return !bytes;
}

#endif
