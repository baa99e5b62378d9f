/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The end of the process by our own fault: say what was expected and where,
 * let the daemon add its last words, stop with a core.  Nothing is allocated
 * and no lock is taken, for we do not know what is broken.
 */
#include "config.h"

#include "gateway/base/check.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gateway/base/str.h"

static check_last_words_fn *last_words;

void check_on_failure(check_last_words_fn *fn)
{
	__atomic_store_n(&last_words, fn, __ATOMIC_RELEASE);
}

static void say(const struct str *s)
{
	ssize_t put = write(STDERR_FILENO, s->at, s->len);

	(void)put; /* there is nobody left to tell */
}

static void __attribute__((noreturn)) stop(void)
{
	static bool stopping;
	check_last_words_fn *fn = __atomic_load_n(&last_words, __ATOMIC_ACQUIRE);

	/* A check that fails inside the last words must not call them again. */
	if (fn && !__atomic_exchange_n(&stopping, true, __ATOMIC_ACQ_REL))
		fn(STDERR_FILENO);
	abort();
}

void check_failed(const char *cond, const char *file, int line, const char *func)
{
	char text[512];
	struct str s = STR_IN(text);

	str_addf(&s, "a bug in sluice: expected: %s (%s:%d, in %s)\n", cond, file, line, func);
	say(&s);
	stop();
}

static void add_tag(struct str *s, uint32_t tag)
{
	char bytes[4] = { (char)(tag >> 24), (char)(tag >> 16), (char)(tag >> 8), (char)tag };

	str_add_char(s, '\'');
	str_add_escaped(s, bytes, sizeof(bytes));
	str_add_char(s, '\'');
}

void check_tag_failed(const char *obj, uint32_t is, uint32_t want, const char *file, int line,
		      const char *func)
{
	char text[512];
	struct str s = STR_IN(text);

	str_addf(&s, "a bug in sluice: %s is no ", obj);
	add_tag(&s, want);
	str_add(&s, is == ~want ? " any more, it was destroyed" : ", its tag is ");
	if (is != ~want)
		add_tag(&s, is);
	str_addf(&s, " (%s:%d, in %s)\n", file, line, func);
	say(&s);
	stop();
}
