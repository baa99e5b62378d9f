/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Locals that clean up after themselves when their scope ends:
 *
 *	scope_free char *name = strdup(word);
 *	scope_fd int fd = -1;
 *
 * What is to outlive the scope is taken out with scope_take (pointers) or
 * scope_take_fd, which leave null or -1 behind.  scope_fd is for the few who
 * may hold a bare descriptor (drivers, process start, tests).
 */
#ifndef GATEWAY_BASE_SCOPE_H
#define GATEWAY_BASE_SCOPE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define scope_free __attribute__((cleanup(scope_free_run)))
#define scope_fd __attribute__((cleanup(scope_fd_run)))
#define scope_file __attribute__((cleanup(scope_file_run)))

/* Any other type: scope_with(thing_destroy) struct thing *t = NULL;
 * the function takes the address of the variable.
 */
#define scope_with(fn) __attribute__((cleanup(fn)))

#define scope_take(var)                               \
	__extension__({                               \
		__typeof__(var) scope_taken_ = (var); \
		(var) = NULL;                         \
		scope_taken_;                         \
	})

static inline void scope_free_run(void *var)
{
	void **p = var;

	free(*p);
}

static inline void scope_fd_run(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void scope_file_run(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline int scope_take_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#endif
