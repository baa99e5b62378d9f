/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Invariants that stay on in release builds, and tagged objects.  A failing
 * GW_CHECK is our own bug and nothing else: it prints its last words and
 * stops the process.  Nothing a peer sends, and no trouble of the world, may
 * be able to reach one.
 *
 * A long-lived object begins with (or holds) a uint32_t tag.  Public functions
 * verify it on entry, destroy wipes it: a stale pointer stops here and not
 * three requests later.
 */
#ifndef GATEWAY_BASE_CHECK_H
#define GATEWAY_BASE_CHECK_H

#include <stdint.h>

#define GW_CHECK(cond)                                                     \
	do {                                                               \
		if (__builtin_expect(!(cond), 0))                          \
			check_failed(#cond, __FILE__, __LINE__, __func__); \
	} while (0)

/* A place that cannot be reached. */
#define GW_NOT_REACHED() check_failed("not reached", __FILE__, __LINE__, __func__)

#define GW_TAG(a, b, c, d) \
	((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

/* OBJ has a member `tag`; WANT is a GW_TAG. */
#define gw_tag_set(obj, want) ((void)((obj)->tag = (want)))
#define gw_tag_wipe(obj) ((void)((obj)->tag = ~(obj)->tag))
#define gw_tag_check(obj, want)                                                                   \
	do {                                                                                      \
		if (__builtin_expect((obj)->tag != (want), 0))                                    \
			check_tag_failed(#obj, (obj)->tag, (want), __FILE__, __LINE__, __func__); \
	} while (0)

void check_failed(const char *cond, const char *file, int line, const char *func)
	__attribute__((noreturn, cold));
void check_tag_failed(const char *obj, uint32_t is, uint32_t want, const char *file, int line,
		      const char *func) __attribute__((noreturn, cold));

/*
 * Somebody with more to say (the daemon: what the loops were doing).  Called
 * once, after the expression was printed and before the process stops; it may
 * write to descriptor FD and must not allocate or take locks.
 */
typedef void check_last_words_fn(int fd);
void check_on_failure(check_last_words_fn *fn);

#endif
